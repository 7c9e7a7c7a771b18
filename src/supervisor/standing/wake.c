/* wake: see wake.h. droverd. Never NOLOOP: an own push to a watched queue would use up the
   registration in silence. */
#include "supervisor/standing/wake.h"
#include "base/log.h"
#include "base/must.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wake {
	struct redis *main_connection, *listener;
	const struct wake_events *events;
	void *ctx;
	struct event *ping;
	struct timeval ping_every;
	int64_t client_id; /* of the listener; 0: not known */
	bool ready;
	bool refused_said;
};

static void say_refused(struct wake *w, struct span words)
{
	if (!w->refused_said)
		log_event(LOG_WARN, "wake.refused", LOG_SPAN("error", words),
			LOG_STR("consequence", "polling is all there is: see supervisor.poll"));
	w->refused_said = true;
}

static void on_tracking(void *arg, const struct redis_reply *r)
{
	struct wake *w = arg;

	if (r == NULL)
		return;
	if (r->type == REDIS_ERROR) {
		say_refused(w, r->text);
		return;
	}
	w->ready = true;
	w->events->ready(w->ctx);
}

/* After a failover each of the two finds the new master in its own time; an id means nothing elsewhere. */
static void turn_tracking_on(struct wake *w)
{
	char id[24];

	w->ready = false;
	if (w->client_id == 0 || !redis_is_up(w->main_connection) ||
		!redis_is_beside(w->main_connection, w->listener))
		return;
	snprintf(id, sizeof id, "%lld", (long long)w->client_id);
	const struct span words[] = {{"CLIENT", 6}, {"TRACKING", 8}, {"ON", 2}, {"REDIRECT", 8},
		span_of(id), {"OPTIN", 5}};
	redis_send(w->main_connection, on_tracking, w, 6, words);
}

static void on_subscribed(void *arg, const struct redis_reply *r)
{
	struct wake *w = arg;

	if (r && r->type == REDIS_ERROR)
		say_refused(w, r->text);
	else if (r)
		turn_tracking_on(w);
}

static void on_client_id(void *arg, const struct redis_reply *r)
{
	static const struct span SUBSCRIBE[] = {{"SUBSCRIBE", 9}, {"__redis__:invalidate", 20}};
	struct wake *w = arg;

	if (r == NULL)
		return;
	if (r->type != REDIS_INTEGER) {
		say_refused(w, r->text);
		return;
	}
	w->client_id = r->integer;
	redis_send(w->listener, on_subscribed, w, 2, SUBSCRIBE);
}

static void on_up(void *ctx)
{
	static const struct span CLIENT_ID[] = {{"CLIENT", 6}, {"ID", 2}};
	struct wake *w = ctx;

	evtimer_add(w->ping, &w->ping_every);
	redis_send(w->listener, on_client_id, w, 2, CLIENT_ID);
}

/* Said by the first connection already, which goes the same way. */
static void on_down(void *ctx, const struct err *why, bool lasting)
{
	struct wake *w = ctx;

	(void)why, (void)lasting;
	w->client_id = 0;
	w->ready = false;
	evtimer_del(w->ping);
}

/* ["message", "__redis__:invalidate", [key ..] | nil]; nil: FLUSHALL. */
static void on_push(void *ctx, const struct redis_reply *message)
{
	struct wake *w = ctx;
	const struct redis_reply *keys = message->n == 3 ? message->items[2] : NULL;

	if (keys == NULL || keys->type != REDIS_ARRAY) {
		w->events->touched(w->ctx, (struct span){0});
		return;
	}
	for (size_t i = 0; i < keys->n; i++)
		w->events->touched(w->ctx, keys->items[i]->text);
}

static const struct redis_events LISTENER_EVENTS = {.up = on_up, .down = on_down, .push = on_push};

/* Nobody tells a RESP2 subscriber's peer that it is dead; the command deadline does. */
static void on_ping(evutil_socket_t fd, short what, void *arg)
{
	static const struct span PING[] = {{"PING", 4}};
	struct wake *w = arg;

	(void)fd, (void)what;
	redis_send(w->listener, NULL, NULL, 1, PING);
	evtimer_add(w->ping, &w->ping_every);
}

struct wake *wake_new(struct event_base *base, const struct redis_options *options,
	struct redis *main_connection, int64_t ping_ms, const struct wake_events *events, void *ctx)
{
	struct wake *w = must_alloc(sizeof *w);

	*w = (struct wake){.main_connection = main_connection,
		.events = events,
		.ctx = ctx,
		.ping_every = {.tv_sec = ping_ms / 1000, .tv_usec = ping_ms % 1000 * 1000}};
	w->ping = evtimer_new(base, on_ping, w);
	w->listener = redis_new(base, options, NULL, 0, &LISTENER_EVENTS, w);
	redis_start(w->listener);
	return w;
}

void wake_free(struct wake *w)
{
	if (w == NULL)
		return;
	redis_free(w->listener);
	event_free(w->ping);
	free(w);
}

void wake_main_connected(struct wake *w)
{
	if (redis_is_up(w->listener) && !redis_is_beside(w->main_connection, w->listener))
		redis_close_and_retry(w->listener, "the other connection has another master");
	turn_tracking_on(w);
}

bool wake_is_ready(const struct wake *w)
{
	return w && w->ready;
}
