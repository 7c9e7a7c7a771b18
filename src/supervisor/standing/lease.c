/* lease: see lease.h. droverd. */
#include "supervisor/standing/lease.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/random.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lease {
	struct verbs *verbs;
	const struct lease_events *events;
	void *ctx;
	struct event *timer;
	bool registered; /* once: from then on a missing lease means something */
	bool held;
	bool under_way;
	bool refusal_said;
	int64_t sent_boot_ms;	   /* the beat under way */
	int64_t confirmed_boot_ms; /* when the last one that was answered OK was sent; 0: none */
};

static void wait_for_next(struct lease *l)
{
	int64_t ms = l->verbs->lease_ms / 3;
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(l->timer, &tv);
}

static void tell_differences(struct lease *l, const struct redis_reply *r)
{
	for (size_t i = 1; i + 2 < r->n; i += 3) {
		if (span_is(r->items[i]->text, "orphan"))
			l->events->orphan(l->ctx, r->items[i + 1]->text, r->items[i + 2]->text);
		else
			l->events->missing(l->ctx, r->items[i + 1]->text);
	}
}

/* BUSY, MISCONF and the like may last: said once each way. */
static void say_refusal(struct lease *l, const struct redis_reply *why)
{
	if (why && !l->refusal_said)
		log_event(LOG_ERROR, "beat.refused", LOG_SPAN("error", why->text));
	else if (!why && l->refusal_said)
		log_event(LOG_INFO, "beat.accepted");
	l->refusal_said = why != NULL;
}

static void read_answer(struct lease *l, const struct redis_reply *r)
{
	struct span word = r->items[0]->text;
	bool first = !l->held, again = l->registered;

	say_refusal(l, NULL);
	if (span_is(word, "OK")) {
		l->held = l->registered = true;
		l->confirmed_boot_ms = l->sent_boot_ms;
		if (again) /* at first Redis holds nothing of ours, or what it lost is entered again */
			tell_differences(l, r);
		l->events->held(l->ctx, first);
	} else if (span_is(word, "TAKEN")) {
		l->held = l->registered = false;
		l->confirmed_boot_ms = 0;
		l->events->taken(l->ctx);
	} else {
		l->held = l->registered = false;
		l->confirmed_boot_ms = 0;
		l->events->forgotten(l->ctx);
		lease_beat_now(l);
	}
}

static void on_answer(void *arg, const struct redis_reply *r)
{
	struct lease *l = arg;

	l->under_way = false;
	if (r && r->type == REDIS_ARRAY && r->n > 0)
		read_answer(l, r);
	else if (r)
		say_refusal(l, r);
}

void lease_beat_now(struct lease *l)
{
	struct lease_holdings h = {0};

	if (l->under_way || !redis_is_up(l->verbs->redis))
		return;
	l->events->collect(l->ctx, &h);
	l->sent_boot_ms = clock_boot_ms();
	l->under_way = verbs_beat(l->verbs, !l->registered, h.pools, h.n_pools, h.tokens,
		h.n_tokens, h.record, h.n_record, on_answer, l);
	wait_for_next(l);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct lease *l = arg;

	(void)fd, (void)what;
	lease_beat_now(l);
	wait_for_next(l);
}

struct lease *lease_new(
	struct event_base *base, struct verbs *verbs, const struct lease_events *events, void *ctx)
{
	struct lease *l = must_alloc(sizeof *l);

	*l = (struct lease){.verbs = verbs, .events = events, .ctx = ctx};
	l->timer = evtimer_new(base, on_timer, l);
	return l;
}

void lease_free(struct lease *l)
{
	if (l == NULL)
		return;
	event_free(l->timer);
	free(l);
}

void lease_connected(struct lease *l)
{
	l->held = false;
	lease_beat_now(l);
}

void lease_disconnected(struct lease *l)
{
	l->held = false;
}

void lease_renew_as(struct lease *l)
{
	l->registered = l->held = false;
	lease_beat_now(l);
}

bool lease_is_held(const struct lease *l)
{
	return l->held;
}

int64_t lease_deadline_boot_ms(const struct lease *l)
{
	return l->confirmed_boot_ms ? l->confirmed_boot_ms + l->verbs->lease_ms * 4 / 5 : 0;
}

bool lease_may_be_anothers(const struct lease *l)
{
	return l->confirmed_boot_ms > 0 &&
	       clock_boot_ms() > l->confirmed_boot_ms + l->verbs->lease_ms;
}

char *lease_new_id(const char *name)
{
	char random[17];

	random_hex(random, 16);
	/* A name that long is cut: the random number at the end is what tells two apart. */
	return must_printf("%.255s:%d:%s", name, (int)getpid(), random);
}
