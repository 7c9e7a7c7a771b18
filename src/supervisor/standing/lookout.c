/*
 * lookout: see supervisor.h. droverd. When there may be work: the script `watch` tells lengths and
 * names what shall wake us; a wake-up says which queue was touched. Once a second `tick` tells the
 * lengths, too: it is the floor under all waking, and does what must be done for all supervisors
 * (delayed jobs, leases that have expired).
 */
#include "supervisor/supervisor.h"
#include "base/log.h"
#include "base/must.h"
#include "queue/ask.h"
#include "queue/keys.h"
#include "supervisor/standing/adoption.h"
#include "supervisor/standing/wishes.h"
#include "supervisor/standing/schedule.h"
#include "supervisor/standing/scheduler.h"

#include <stdlib.h>
#include <string.h>

enum { QUEUE_PAUSED = -2 /* instead of a length */ };
enum { WRONG_TYPES_MAX = 4096, TICK_MAX_MS = 1000, TICK_MIN_MS = 5 };

/* Where in the answer of `tick` things stand; see tick.lua. */
enum {
	TICK_NOW = 1,
	TICK_PROMOTED,
	TICK_NEXT_DUE,
	TICK_EXPIRED,
	TICK_SCHEDULER,
	TICK_TROUBLE,
	TICK_WATCH
};

static void on_watched(void *arg, const struct redis_reply *r);

/* The queues of all pools with room, in file order; a name may come twice, which is harmless. */
static size_t collect_queues(struct supervisor *s, struct span **out)
{
	size_t n = 0, cap = 0;

	*out = NULL;
	for (struct pool *p = s->pools; p; p = p->next) {
		const struct span *names;
		size_t k;

		queue_order_all(p->order, &names, &k);
		if (n + k > cap) {
			cap = 2 * (n + k);
			*out = must_realloc(*out, cap * sizeof **out);
		}
		if (k > 0)
			memcpy(*out + n, names, k * sizeof *names);
		n += k;
	}
	return n;
}

static bool any_dynamic(const struct supervisor *s)
{
	for (const struct pool *p = s->pools; p; p = p->next)
		if (queue_order_is_dynamic(p->order))
			return true;
	return false;
}

void lookout_watch(struct supervisor *s)
{
	struct span *queues;
	size_t n = collect_queues(s, &queues);

	s->watch_due = false;
	s->watch_generation = s->pools_made;
	s->watch_under_way = verbs_watch(
		&s->verbs, wake_is_ready(s->wake), any_dynamic(s), queues, n, on_watched, s);
	free(queues);
}

static bool learn_queues(struct supervisor *s, struct redis_reply *const *items, size_t n)
{
	struct span *names = must_alloc((n + 1) * sizeof *names);
	bool changed = false;

	for (size_t i = 0; i < n; i++)
		names[i] = items[i]->text;
	for (struct pool *p = s->pools; p; p = p->next)
		if (queue_order_set_known(p->order, names, n)) {
			p->maybe_more = true;
			changed = true;
		}
	free(names);
	return changed;
}

/* Once a queue; many of them are one story. */
static void say_wrong_type(struct supervisor *s, struct span queue)
{
	char *entry = must_printf("\n%.*s\n", (int)queue.len, queue.at);

	if ((s->wrong_types.len == 0 || strstr(s->wrong_types.data, entry) == NULL) &&
		s->wrong_types.len < WRONG_TYPES_MAX) {
		log_event(LOG_WARN, "queue.wrong_type", LOG_SPAN("queue", queue),
			LOG_STR("error", "its key in Redis is no list; nothing is taken from it"));
		text_add_str(&s->wrong_types, entry);
	}
	free(entry);
}

/* Its iterating jobs, those of all queues where there is no name, stop after the item in hand. */
static void stop_from(struct supervisor *s, struct span queue)
{
	for (struct slot *slot = fleet_next_slot(s, NULL), *next; slot; slot = next) {
		next = fleet_next_slot(s, slot);
		if (slot_iterates(slot) && slot->iteration.stop == ITERATION_GO &&
			(queue.at == NULL || (slot->job->entry.queue.len == queue.len &&
						     memcmp(slot->job->entry.queue.at, queue.at,
							     queue.len) == 0)))
			slot_stop(slot, ITERATION_STOP);
	}
}

/* [a length per queue .., names ..]: the queues are those of the pools as they were asked. */
static void read_lengths(struct supervisor *s, struct redis_reply *const *items, size_t n)
{
	size_t i = 0;

	for (struct pool *p = s->pools; p; p = p->next) {
		const struct span *names;
		size_t k;

		queue_order_all(p->order, &names, &k);
		for (size_t q = 0; q < k && i < n; q++, i++) {
			if (items[i]->type == REDIS_INTEGER && items[i]->integer > 0)
				p->maybe_more = true;
			else if (items[i]->integer == QUEUE_PAUSED)
				stop_from(s, names[q]);
			else if (items[i]->integer < 0)
				say_wrong_type(s, names[q]);
		}
	}
	if (any_dynamic(s) && i <= n && learn_queues(s, items + i, n - i))
		s->watch_due = true; /* others than those watched now */
}

/* [paused, version of drover:control, lengths ..] */
static void read_watch(
	struct supervisor *s, unsigned generation, struct redis_reply *const *items, size_t n)
{
	wishes_saw_control(s->wishes, items[1]->text);
	if (generation != s->pools_made)
		s->watch_due = true; /* pools have changed since it was asked */
	else if (items[0]->integer == 0)
		read_lengths(s, items + 2, n - 2);
	else
		stop_from(s, (struct span){NULL, 0});
	supervisor_turn(s);
}

static void on_watched(void *arg, const struct redis_reply *r)
{
	struct supervisor *s = arg;

	s->watch_under_way = false;
	if (r && r->type == REDIS_ARRAY && r->n >= 2)
		read_watch(s, s->watch_generation, r->items, r->n);
}

/* -- the tick ----------------------------------------------------------------------------------------- */

static int64_t number_at(const struct redis_reply *r, int i, int64_t otherwise)
{
	return r->items[i]->type == REDIS_INTEGER ? r->items[i]->integer
						  : ask_to_number(r->items[i]->text, otherwise);
}

/* A second at most, for others may delay jobs meanwhile; sooner where one is due sooner. */
static int64_t next_tick_ms(const struct supervisor *s, int64_t now_ms, int64_t next_due_ms)
{
	int64_t poll_ms = s->settings->conf->supervisor.poll_ms;
	int64_t ms = poll_ms < TICK_MAX_MS ? poll_ms : TICK_MAX_MS;

	if (next_due_ms >= 0 && next_due_ms - now_ms < ms)
		ms = next_due_ms - now_ms;
	return ms < TICK_MIN_MS ? TICK_MIN_MS : ms;
}

/* Once, until it is well again. */
static void say_trouble(struct supervisor *s, struct span error)
{
	if (error.len > 0 && !s->tick_refusal_said)
		log_event(LOG_ERROR, "tick.refused", LOG_SPAN("error", error));
	else if (error.len == 0 && s->tick_refusal_said)
		log_event(LOG_INFO, "tick.accepted");
	s->tick_refusal_said = error.len > 0;
}

static void on_ticked(void *arg, const struct redis_reply *r)
{
	struct supervisor *s = arg;
	int64_t now_ms;

	s->tick_under_way = false;
	if (r == NULL || r->type != REDIS_ARRAY || r->n < TICK_WATCH + 2) {
		if (r && r->type == REDIS_ERROR)
			say_trouble(s, r->text);
		if (r && r->type == REDIS_ARRAY)
			lease_beat_now(s->lease);
		return;
	}
	say_trouble(s, r->items[TICK_TROUBLE]->text);
	now_ms = number_at(r, TICK_NOW, 0);
	supervisor_arm(s->poll, next_tick_ms(s, now_ms, number_at(r, TICK_NEXT_DUE, -1)));
	if (number_at(r, TICK_PROMOTED, 0) > 0)
		log_event(LOG_DEBUG, "delayed.promoted",
			LOG_NUM("jobs", number_at(r, TICK_PROMOTED, 0)));
	if (number_at(r, TICK_EXPIRED, 0) == 1 && s->state < SUPERVISOR_DRAINING)
		adoption_look(s->adoption);
	adoption_go_on(s->adoption);
	if (r->items[TICK_SCHEDULER]->text.len > 0)
		scheduler_promote(s->scheduler, r->items[TICK_SCHEDULER]->text);
	schedule_look(s->schedule, now_ms);
	read_watch(s, s->tick_generation, r->items + TICK_WATCH, r->n - TICK_WATCH);
}

void lookout_tick_soon(struct supervisor *s)
{
	supervisor_arm(s->poll, TICK_MIN_MS);
}

void lookout_poll(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;
	struct span *queues;
	size_t n;

	(void)fd, (void)what;
	supervisor_arm(s->poll, next_tick_ms(s, 0, -1));
	if (s->tick_under_way || !lease_is_held(s->lease))
		return;
	n = collect_queues(s, &queues);
	s->tick_generation = s->pools_made;
	s->tick_under_way = verbs_tick(&s->verbs, any_dynamic(s), queues, n, on_ticked, s);
	free(queues);
}

static void on_wake_ready(void *ctx)
{
	struct supervisor *s = ctx;

	s->watch_due = true;
	supervisor_look_for_work(s);
}

static bool serves(struct pool *p, struct span queue)
{
	const struct span *names;
	size_t n;

	queue_order_all(p->order, &names, &n);
	for (size_t i = 0; i < n; i++)
		if (names[i].len == queue.len && memcmp(names[i].at, queue.at, queue.len) == 0)
			return true;
	return false;
}

/* A queue wakes the pools that serve it; anything else (the set of queues, a pause) is looked at anew. */
static void on_touched(void *ctx, struct span key)
{
	struct supervisor *s = ctx;
	size_t skip = strlen(s->verbs.prefix) + strlen(KEY_QUEUE);

	s->watch_due = true;
	if (key.len > skip &&
		memcmp(key.at + strlen(s->verbs.prefix), KEY_QUEUE, strlen(KEY_QUEUE)) == 0)
		for (struct pool *p = s->pools; p; p = p->next)
			if (serves(p, (struct span){key.at + skip, key.len - skip}))
				p->maybe_more = true;
	supervisor_turn(s);
}

const struct wake_events LOOKOUT_WAKE_EVENTS = {.ready = on_wake_ready, .touched = on_touched};
