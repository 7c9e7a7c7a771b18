/*
 * resolve: host names by libevent's evdns: numeric addresses and /etc/hosts at once, then the
 * servers of /etc/resolv.conf. Any process.
 *
 * Refused: getaddrinfo (blocks, and the loop also beats the lease), a thread (none here), a forked
 * helper (the supervisor takes a child it does not know for a job's stray; a library must not fork
 * in somebody's threaded program). The price: of nsswitch.conf only "files dns" is honoured.
 */
#include "redis/resolve.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/must.h"

struct resolve {
	struct event_base *base;
	struct evdns_base *dns; /* one a lookup, so that the files are read afresh */
	struct evdns_getaddrinfo_request *request;
	resolve_fn *fn; /* NULL: nobody wants to know any more */
	void *ctx;
	int turns_left; /* of the loop, until this may be freed */
	bool asked;	/* a question went out */
	bool inside;	/* evdns_getaddrinfo has not returned yet */
};

static void destroy(struct resolve *q)
{
	if (q->dns)
		evdns_base_free(q->dns, 1);
	free(q);
}

static void destroy_later(struct resolve *q);

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct resolve *q = arg;

	(void)fd, (void)what;
	if (--q->turns_left > 0)
		destroy_later(q);
	else
		destroy(q);
}

/*
 * evdns ends its requests by deferred calls that still look into the base they belong to, one loop
 * turn after the answer or the cancel. So a base that has asked is freed some turns later.
 */
static void destroy_later(struct resolve *q)
{
	struct timeval at_once = {0};

	if (event_base_once(q->base, -1, EV_TIMEOUT, on_turn, q, &at_once) < 0)
		destroy(q);
}

static void on_answer(int fault, struct evutil_addrinfo *found, void *arg)
{
	struct resolve *q = arg;
	resolve_fn *fn = q->fn;
	struct err why = {""};

	q->request = NULL;
	q->fn = NULL;
	if (!fn) {
		if (found)
			evutil_freeaddrinfo(found);
		return;
	}
	if (fault || !found)
		err_set(&why, "the name cannot be resolved: %s",
			fault ? evutil_gai_strerror(fault) : "no address");
	fn(q->ctx, fault ? NULL : found, &why);
}

struct resolve *resolve_new(struct event_base *base, resolve_fn *fn, void *ctx)
{
	struct resolve *q = must_alloc(sizeof(*q));

	q->base = base;
	q->fn = fn;
	q->ctx = ctx;
	return q;
}

static struct evdns_base *open_dns(struct event_base *base)
{
	struct evdns_base *dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);

	must(dns != NULL);
	/* Within an attempt's 5 s: a lost question is asked again, and a server that is silent about
	   IPv6 does not hold up the address of IPv4 (libevent would wait 5 s and 3 s). */
	must(evdns_base_set_option(dns, "timeout:", "1.5") == 0);
	must(evdns_base_set_option(dns, "getaddrinfo-allow-skew:", "0.3") == 0);
	/* A missing file is no error: evdns then asks a server on this machine. */
	evdns_base_resolv_conf_parse(dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
	return dns;
}

void resolve_start(struct resolve *q, const char *host, int port)
{
	struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct evdns_getaddrinfo_request *request;
	char service[16];

	snprintf(service, sizeof(service), "%d", port);
	q->dns = open_dns(q->base);
	q->inside = true;
	request = evdns_getaddrinfo(q->dns, host, service, &hints, on_answer, q);
	q->inside = false;
	if (request) {
		q->asked = true;
		q->request = request;
	} else if (q->ctx == NULL) {
		destroy(q); /* resolve_free was called inside */
	}
}

void resolve_free(struct resolve *q)
{
	if (!q)
		return;
	q->fn = NULL;
	q->ctx = NULL;
	if (q->inside)
		return;
	if (q->request)
		evdns_getaddrinfo_cancel(q->request);
	q->turns_left = RESOLVE_LINGER_TURNS;
	if (q->asked)
		destroy_later(q);
	else
		destroy(q);
}
