/*
 * lookout: see supervisor.h. droverd. When there may be work: the script `watch` tells lengths and
 * names what shall wake us; a wake-up says which queue was touched; polling is the floor.
 */
#include "supervisor/supervisor.h"
#include "base/log.h"
#include "base/must.h"
#include "queue/keys.h"

#include <stdlib.h>
#include <string.h>

enum { WRONG_TYPES_MAX = 4096 };

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

/* [paused, a length per queue .., names ..]: the queues are those of the pools as they were asked. */
static void read_lengths(struct supervisor *s, const struct redis_reply *r)
{
	size_t i = 1;

	for (struct pool *p = s->pools; p; p = p->next) {
		const struct span *names;
		size_t k;

		queue_order_all(p->order, &names, &k);
		for (size_t q = 0; q < k && i < r->n; q++, i++) {
			if (r->items[i]->type == REDIS_INTEGER && r->items[i]->integer > 0)
				p->maybe_more = true;
			else if (r->items[i]->integer < 0)
				say_wrong_type(s, names[q]);
		}
	}
	if (any_dynamic(s) && i <= r->n && learn_queues(s, r->items + i, r->n - i))
		s->watch_due = true; /* others than those watched now */
}

static void on_watched(void *arg, const struct redis_reply *r)
{
	struct supervisor *s = arg;

	s->watch_under_way = false;
	if (r == NULL || r->type != REDIS_ARRAY || r->n < 1)
		return;
	if (s->watch_generation != s->pools_made)
		s->watch_due = true; /* pools have changed since it was asked */
	else if (r->items[0]->integer == 0)
		read_lengths(s, r);
	supervisor_turn(s);
}

void lookout_poll(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)fd, (void)what;
	s->watch_due = true;
	supervisor_turn(s);
	supervisor_arm(s->poll, s->settings->conf->supervisor.poll_ms);
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
