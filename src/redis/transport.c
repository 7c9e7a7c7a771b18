/*
 * transport: name -> address -> socket -> TLS -> open, on libevent's bufferevents. Any process.
 * It never blocks and never makes a descriptor that a child could inherit.
 *
 * The sockets are made and connected here, not by bufferevent_socket_connect: that one makes them
 * without SOCK_CLOEXEC. A write to a dead peer raises SIGPIPE; the programs ignore that signal.
 */
#include "redis/transport.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/must.h"
#include "redis/resolve.h"
#include "redis/tls.h"

#define KEEPALIVE_IDLE_S 60
#define WRITE_MAX	 ((size_t)1024 * 1024) /* libevent would stop at 16 KiB a turn */

struct transport {
	struct event_base *base;
	const struct redis_options *options;
	const struct transport_events *events;
	void *ctx;
	unsigned attempt;
	struct resolve *resolve;
	struct addrinfo *found; /* as resolved; NULL for a unix socket */
	size_t n_found, n_tried;
	int fd;		     /* while connecting; then the bufferevent's */
	struct event *ready; /* the first turn of the loop, then: the socket may be connected */
	struct bufferevent *stream;
	SSL *ssl;	    /* the stream's */
	char where[128];    /* the address that is tried, in words */
	struct err refused; /* why the last one was not it */
};

/* -- ends -- */

static void break_off(struct transport *t, bool lasting, const struct err *why)
{
	struct fault fault = {.why = *why, .lasting = lasting};

	t->events->broke(t->ctx, &fault); /* `t` may be gone now */
}

void transport_close(struct transport *t)
{
	if (!t)
		return;
	resolve_free(t->resolve);
	if (t->found)
		evutil_freeaddrinfo(t->found);
	if (t->ready)
		event_free(t->ready);
	if (t->stream) {
		/* libevent closes it in the next turn only; the server shall hear it now. */
		shutdown(bufferevent_getfd(t->stream), SHUT_RDWR);
		bufferevent_free(t->stream);
	}
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

/* -- an open stream -- */

static void on_readable(struct bufferevent *stream, void *arg)
{
	struct transport *t = arg;

	t->events->came(t->ctx, bufferevent_get_input(stream));
}

/* The words for an error of the stream; true where trying again will not help. */
static bool say_error(struct transport *t, struct err *why)
{
	const struct redis_options *o = t->options;
	int error = EVUTIL_SOCKET_ERROR();

	if (t->ssl)
		return tls_say_failure(t->ssl, o->server_name ? o->server_name : o->host,
			bufferevent_get_openssl_error(t->stream), error, why);
	err_errno(why, "the connection broke");
	return false;
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct transport *t = arg;
	struct err why;

	(void)stream;
	if (what & BEV_EVENT_CONNECTED) {
		t->events->opened(t->ctx);
	} else if (what & BEV_EVENT_EOF) {
		err_set(&why, "the server closed the connection");
		break_off(t, false, &why);
	} else if (what & BEV_EVENT_ERROR) {
		bool lasting = say_error(t, &why);

		break_off(t, lasting, &why);
	}
}

static struct bufferevent *open_tls(struct transport *t, struct err *why)
{
	struct bufferevent *stream;

	t->ssl = tls_session_new(t->options, why);
	if (!t->ssl)
		return NULL;
	stream = bufferevent_openssl_socket_new(
		t->base, t->fd, t->ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	must(stream != NULL);
	return stream;
}

/* The socket stands: everything from here on goes through the bufferevent. */
static void open_stream(struct transport *t)
{
	bool tls = t->options->tls && !t->options->path;
	struct err why;

	if (tls) {
		t->stream = open_tls(t, &why);
		if (!t->stream) {
			break_off(t, true, &why);
			return;
		}
	} else {
		t->stream = bufferevent_socket_new(t->base, t->fd, BEV_OPT_CLOSE_ON_FREE);
		must(t->stream != NULL);
	}
	t->fd = -1;
	bufferevent_setcb(t->stream, on_readable, NULL, on_event, t);
	must(bufferevent_set_max_single_write(t->stream, WRITE_MAX) == 0);
	must(bufferevent_enable(t->stream, EV_READ | EV_WRITE) == 0);
	if (!tls)
		t->events->opened(t->ctx);
}

/* -- connecting -- */

static void say_address(struct transport *t, const struct sockaddr *to, socklen_t len)
{
	char host[64], port[16];

	if (to->sa_family == AF_UNIX || getnameinfo(to, len, host, sizeof(host), port, sizeof(port),
						NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(t->where, sizeof(t->where), "connecting");
	else
		snprintf(t->where, sizeof(t->where), "connecting to %s port %s", host, port);
}

/* 1: connected; 0: under way; -1: refused, with the reason in t->refused. */
static int dial(struct transport *t, const struct sockaddr *to, socklen_t len)
{
	int on = 1, idle_s = KEEPALIVE_IDLE_S;

	say_address(t, to, len);
	t->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0)
		return err_errno(&t->refused, "%s", t->where);
	if (to->sa_family != AF_UNIX) {
		setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(t->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
		/* A Sentinel that is only listened to must not be dead for two hours unseen. */
		setsockopt(t->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	}
	if (connect(t->fd, to, len) == 0)
		return 1;
	/* A non-blocking connect that a signal interrupted goes on by itself. */
	if (errno == EINPROGRESS || errno == EINTR)
		return 0;
	err_errno(&t->refused, "%s", t->where);
	close(t->fd);
	t->fd = -1;
	return -1;
}

static int dial_unix(struct transport *t)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	must(strlen(t->options->path) < sizeof(to.sun_path));
	strcpy(to.sun_path, t->options->path);
	return dial(t, (const struct sockaddr *)&to, sizeof(to));
}

/* Each attempt begins with another address, so that a dead first one cannot eat all deadlines. */
static int dial_found(struct transport *t)
{
	size_t skip = (t->attempt + t->n_tried++) % t->n_found;
	const struct addrinfo *a = t->found;

	while (skip--)
		a = a->ai_next;
	return dial(t, a->ai_addr, a->ai_addrlen);
}

static void on_ready(evutil_socket_t fd, short what, void *arg);

static void await_socket(struct transport *t)
{
	if (t->ready)
		event_free(t->ready);
	t->ready = event_new(t->base, t->fd, EV_WRITE, on_ready, t);
	must(t->ready != NULL && event_add(t->ready, NULL) == 0);
}

/* Tries address after address until one answers or none is left. */
static void dial_next(struct transport *t)
{
	size_t most = t->options->path ? 1 : t->n_found;
	int state = -1;

	while (state < 0 && t->n_tried < most) {
		if (t->options->path) {
			t->n_tried++;
			state = dial_unix(t);
		} else {
			state = dial_found(t);
		}
	}
	if (state > 0)
		open_stream(t);
	else if (state == 0)
		await_socket(t);
	else
		break_off(t, false, &t->refused);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct transport *t = arg;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0) {
		open_stream(t);
		return;
	}
	errno = error;
	err_errno(&t->refused, "%s", t->where);
	close(t->fd);
	t->fd = -1;
	dial_next(t);
}

static void on_resolved(void *ctx, struct addrinfo *found, const struct err *why)
{
	struct transport *t = ctx;

	if (!found) {
		break_off(t, false, why);
		return;
	}
	t->found = found;
	for (const struct addrinfo *a = found; a; a = a->ai_next)
		t->n_found++;
	dial_next(t);
}

/* The first turn of the loop: nothing is told within transport_open. */
static void on_begin(evutil_socket_t fd, short what, void *arg)
{
	struct transport *t = arg;

	(void)fd, (void)what;
	if (t->options->path) {
		dial_next(t);
		return;
	}
	t->resolve = resolve_new(t->base, on_resolved, t);
	resolve_start(t->resolve, t->options->host, t->options->port);
}

struct transport *transport_open(struct event_base *base, const struct redis_options *options,
	unsigned attempt, const struct transport_events *events, void *ctx)
{
	struct transport *t = must_alloc(sizeof(*t));
	struct timeval at_once = {0};

	must(options->path || options->host);
	t->base = base;
	t->options = options;
	t->attempt = attempt;
	t->events = events;
	t->ctx = ctx;
	t->fd = -1;
	t->ready = event_new(base, -1, 0, on_begin, t);
	must(t->ready != NULL && event_add(t->ready, &at_once) == 0);
	return t;
}

const char *transport_lacks(const struct transport *t)
{
	if (t->stream)
		return "TLS handshake";
	return t->n_found || t->options->path ? "connection" : "address for the name";
}

struct evbuffer *transport_output(struct transport *t)
{
	must(t->stream != NULL);
	return bufferevent_get_output(t->stream);
}
