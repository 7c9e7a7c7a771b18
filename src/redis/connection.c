/*
 * connection: the life of one connection to Redis: attempts, deadlines, reconnecting. Any process
 * that has an event loop. It knows no key and no job, and holds no answer back.
 *
 * Every callback may call redis_send, redis_close_and_retry or redis_free on this very connection.
 * So whoever is called by libevent goes through enter/leave, and after each call outwards looks
 * again at what there is.
 */
#include "redis/connection.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/units.h"
#include "redis/codec.h"
#include "redis/sentinel.h"

#define RETRY_FIRST_MS	   50
#define RECONNECT_MAX_MS   2000
#define CONNECT_TIMEOUT_MS 5000

enum input { INPUT_START, INPUT_OPENED, INPUT_READY, INPUT_BROKEN, INPUT_TIMER, INPUTS };

typedef void action_fn(struct redis *r, const struct fault *fault);

static action_fn begin, greet, rise, lose, overdue_attempt, overdue_command;

/* What happens in which state; an input that is not listed means nothing there. */
static const struct rule {
	action_fn *act;
	enum connection_state next;
} rules[CONNECTION_STATES][INPUTS] = {
	[CONNECTION_IDLE] =
		{
			[INPUT_START] = {begin, CONNECTION_CONNECTING},
		},
	[CONNECTION_CONNECTING] =
		{
			[INPUT_OPENED] = {greet, CONNECTION_HANDSHAKING},
			[INPUT_BROKEN] = {lose, CONNECTION_WAITING},
			[INPUT_TIMER] = {overdue_attempt, CONNECTION_CONNECTING},
		},
	[CONNECTION_HANDSHAKING] =
		{
			[INPUT_READY] = {rise, CONNECTION_UP},
			[INPUT_BROKEN] = {lose, CONNECTION_WAITING},
			[INPUT_TIMER] = {overdue_attempt, CONNECTION_HANDSHAKING},
		},
	[CONNECTION_UP] =
		{
			[INPUT_BROKEN] = {lose, CONNECTION_WAITING},
			[INPUT_TIMER] = {overdue_command, CONNECTION_UP},
		},
	[CONNECTION_WAITING] =
		{
			[INPUT_TIMER] = {begin, CONNECTION_CONNECTING},
		},
};

static void destroy(struct redis *r)
{
	struct sync *sync = r->sync;

	event_free(r->timer);
	codec_free(r->codec);
	codec_reply_free(r->current);
	redis_options_fini(&r->options);
	free(r->scripts);
	free(r->where);
	free(r->found);
	free(r);
	sync_free(sync); /* the loop, if it is ours, goes last */
}

static void enter(struct redis *r)
{
	r->inside++;
}

static void leave(struct redis *r)
{
	must(r->inside > 0);
	if (--r->inside == 0 && r->freed)
		destroy(r);
}

static void input(struct redis *r, enum input in, const struct fault *fault)
{
	const struct rule *rule = &rules[r->state][in];

	if (!rule->act || r->freed)
		return;
	enter(r);
	r->state = rule->next;
	rule->act(r, fault);
	leave(r);
}

/* -- the timer -- */

void connection_set_timer(struct redis *r, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	r->timer_set = true;
	must(event_add(r->timer, &tv) == 0);
}

static void clear_timer(struct redis *r)
{
	r->timer_set = false;
	event_del(r->timer);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct redis *r = arg;

	(void)fd, (void)what;
	r->timer_set = false;
	input(r, INPUT_TIMER, NULL);
}

/* Doubles up to the longest wait; the later half of it is chance, so that a fleet spreads. */
static int64_t next_wait_ms(const struct redis *r)
{
	int64_t most = r->options.reconnect_max_ms, wait = RETRY_FIRST_MS;
	uint32_t chance;

	for (unsigned i = 1; i < r->failures && wait < most; i++)
		wait *= 2;
	if (wait > most)
		wait = most;
	evutil_secure_rng_get_bytes(&chance, sizeof(chance));
	return wait - (int64_t)(chance % (uint64_t)(wait / 2 + 1));
}

/* -- what the transport tells -- */

static void on_opened(void *ctx)
{
	input(ctx, INPUT_OPENED, NULL);
}

static void on_broke(void *ctx, const struct fault *fault)
{
	input(ctx, INPUT_BROKEN, fault);
}

/* False where a callback ended this connection: then `in` and the codec's bytes are gone. */
static bool answer_all(struct redis *r)
{
	struct fault fault = {.lasting = false};
	struct redis_reply *reply;
	int got = 0;

	while (r->transport && (got = codec_next(r->codec, &reply, &fault.why)) > 0)
		command_answer(r, reply);
	if (r->transport && got < 0)
		connection_break(r, &fault);
	return r->transport != NULL;
}

static void on_came(void *ctx, struct evbuffer *in)
{
	struct redis *r = ctx;
	bool going = true;
	size_t n;

	enter(r);
	while (going && (n = evbuffer_get_contiguous_space(in)) > 0) {
		codec_feed(r->codec, (const char *)evbuffer_pullup(in, (ev_ssize_t)n), n);
		evbuffer_drain(in, n);
		going = answer_all(r);
	}
	leave(r);
}

static const struct transport_events transport_events = {on_opened, on_came, on_broke};

/* -- the actions -- */

static void connect_to(struct redis *r)
{
	must(!r->transport && !r->codec);
	r->codec = codec_new(CODEC_REPLY_MAX);
	r->transport = transport_open(r->base, &r->server, r->failures, &transport_events, r);
}

static void leave_master(struct redis *r, const char *host, int port)
{
	struct fault fault = {.lasting = false};

	if (port == r->server.port && strcmp(host, r->found) == 0)
		return;
	err_set(&fault.why, "a Sentinel says that the master is %s port %d now", host, port);
	connection_break(r, &fault);
}

static void on_found(void *ctx, const char *host, int port, const struct fault *fault)
{
	struct redis *r = ctx;

	if (!host) {
		connection_break(r, fault);
	} else if (r->transport) {
		leave_master(r, host, port);
	} else {
		free(r->found);
		r->server.host = r->found = must_strdup(host);
		r->server.port = port;
		connect_to(r);
	}
}

static void begin(struct redis *r, const struct fault *fault)
{
	(void)fault;
	if (r->options.n_sentinels)
		r->sentinel = sentinel_ask(r->base, &r->options, r->failures, on_found, r);
	else
		connect_to(r);
	clear_timer(r);
	connection_set_timer(r, r->options.connect_timeout_ms);
}

static void greet(struct redis *r, const struct fault *fault)
{
	(void)fault;
	handshake_begin(r);
}

static void rise(struct redis *r, const struct fault *fault)
{
	(void)fault;
	clear_timer(r);
	r->events.up(r->ctx);
}

static void hang_up(struct redis *r)
{
	clear_timer(r);
	sentinel_free(r->sentinel);
	r->sentinel = NULL;
	transport_close(r->transport);
	r->transport = NULL;
	codec_free(r->codec);
	r->codec = NULL;
}

static void say_where(const struct redis *r, struct err *why)
{
	if (r->options.n_sentinels && r->transport)
		err_at(why, "%s port %d", r->server.host, r->server.port);
	err_at(why, "%s", r->where);
}

static void lose(struct redis *r, const struct fault *fault)
{
	struct fault told = *fault; /* the one we were given may lie in what is closed now */

	say_where(r, &told.why);
	hang_up(r);
	command_give_up(r);
	if (r->freed)
		return;
	r->failures++;
	connection_set_timer(r, next_wait_ms(r));
	r->events.down(r->ctx, &told.why, told.lasting);
}

static void overdue_attempt(struct redis *r, const struct fault *fault)
{
	struct fault late = {.lasting = false};
	char span[32];

	(void)fault;
	err_set(&late.why, "no %s within %s",
		r->sentinel && !r->transport	    ? "answer of a Sentinel"
		: r->state == CONNECTION_CONNECTING ? transport_lacks(r->transport)
						    : "answer to the login",
		units_say_duration(r->options.connect_timeout_ms, span));
	connection_break(r, &late);
}

/* The timer is not moved with every answer: it looks, and sets itself again for what is left. */
static void overdue_command(struct redis *r, const struct fault *fault)
{
	int64_t left = command_time_left_ms(r);
	struct fault late = {.lasting = false};
	char span[32];

	(void)fault;
	if (left > 0) {
		if (left < INT64_MAX)
			connection_set_timer(r, left);
		return;
	}
	err_set(&late.why, "a command was not answered within %s",
		units_say_duration(r->options.command_timeout_ms, span));
	connection_break(r, &late);
}

/* -- used by the other files -- */

void connection_ready(struct redis *r)
{
	input(r, INPUT_READY, NULL);
}

void connection_break(struct redis *r, const struct fault *fault)
{
	input(r, INPUT_BROKEN, fault);
}

/* -- public -- */

struct redis *redis_new(struct event_base *base, const struct redis_options *options,
	struct redis_script *const *scripts, size_t n_scripts, const struct redis_events *events,
	void *ctx)
{
	struct redis *r = must_alloc(sizeof(*r));

	must(events->up && events->down);
	r->base = base;
	redis_options_copy(&r->options, options);
	if (r->options.connect_timeout_ms <= 0)
		r->options.connect_timeout_ms = CONNECT_TIMEOUT_MS;
	if (r->options.reconnect_max_ms <= 0)
		r->options.reconnect_max_ms = RECONNECT_MAX_MS;
	r->where = redis_options_say(options);
	r->needs_master = options->n_sentinels > 0;
	r->server = r->options;
	r->n_scripts = n_scripts;
	r->scripts = must_alloc((n_scripts + 1) * sizeof(*r->scripts));
	for (size_t i = 0; i < n_scripts; i++) {
		must(scripts[i]->sha[0] != '\0');
		r->scripts[i] = scripts[i];
	}
	r->events = *events;
	r->ctx = ctx;
	r->timer = event_new(base, -1, 0, on_timer, r);
	must(r->timer != NULL);
	return r;
}

void redis_start(struct redis *r)
{
	input(r, INPUT_START, NULL);
}

void redis_free(struct redis *r)
{
	if (!r)
		return;
	must(!r->freed);
	enter(r);
	r->freed = true;
	r->state = CONNECTION_IDLE;
	hang_up(r);
	command_give_up(r);
	leave(r);
}

bool redis_is_up(const struct redis *r)
{
	return r->state == CONNECTION_UP;
}

char *redis_say_server(const struct redis *r)
{
	struct redis_options o = r->server;

	if (r->found)
		o.n_sentinels = 0;
	return redis_options_say(&o);
}

bool redis_is_beside(const struct redis *a, const struct redis *b)
{
	return a->options.n_sentinels == 0 || b->options.n_sentinels == 0 ||
	       (a->found && b->found && a->server.port == b->server.port &&
		       strcmp(a->found, b->found) == 0);
}

void redis_close_and_retry(struct redis *r, const char *why)
{
	struct fault fault = {.lasting = false};

	err_set(&fault.why, "%s", why);
	connection_break(r, &fault);
}
