/* grants: see grants.h. droverd. */
#include "supervisor/fleet/grants.h"
#include "base/clock.h"
#include "base/must.h"
#include "supervisor/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ASK_MS = 25,	   /* so often it is looked whether a child has enough */
	AHEAD_US = 200000, /* as the script may grant at most */
	BATCH_MAX = 64
};

struct grants {
	struct supervisor *supervisor;
	struct event *timer;
	bool all_due; /* those without a rate, too */
	bool under_way;
	int64_t away_mono_us; /* since when shares are handed out without Redis; 0: they are not */
};

struct call {
	struct grants *owner;
	size_t n;
	char *tokens[BATCH_MAX];
};

static bool runs(const struct slot *slot)
{
	return slot->job && slot->each && slot->state == SLOT_RUNNING;
}

static bool has_rate(const struct slot *slot)
{
	return slot->iteration.granted != INT64_MAX;
}

/* "ITEMS PER_MS" as the class has it; "" where it has none. */
static const char *rate_of_class(const struct job *j, char out[48])
{
	const struct conf_rate *r = &j->class->conf->rate;

	out[0] = '\0';
	if (r->items > 0)
		snprintf(out, 48, "%lld %lld", (long long)r->items, (long long)r->per_ms);
	return out;
}

static double items_per_us(const struct iteration *it)
{
	long long items = 0, per_ms = 0;

	if (it->rate.len == 0 || sscanf(it->rate.data, "%lld %lld", &items, &per_ms) != 2 ||
		per_ms <= 0)
		return 0;
	return (double)items / (double)per_ms / 1000;
}

static int64_t used(const struct slot *slot)
{
	struct scoreboard_begun begun;

	return scoreboard_begun(slot->place, &begun) ? begun.used : 0;
}

/* Half of what may be granted ahead, shared among the parts; so none has all of it. */
static int64_t wanted(const struct slot *slot)
{
	const struct iteration *it = &slot->iteration;
	int64_t parts = iteration_parts_wanted(slot->job), share;

	share = (int64_t)(items_per_us(it) * AHEAD_US / 2) / (parts > 0 ? parts : 1);
	return (share > 0 ? share : 1) - (it->granted - used(slot));
}

static void hand_out(struct slot *slot, int64_t n)
{
	if (n <= 0)
		return;
	slot->iteration.granted += n;
	scoreboard_set_granted(slot->place, slot->iteration.granted);
}

/* -- asking ---------------------------------------------------------------------------------------------- */

static struct slot *find(const struct supervisor *s, const char *token)
{
	FLEET_EACH_SLOT (s, slot)
		if (runs(slot) && strcmp(slot->job->token, token) == 0)
			return slot;
	return NULL;
}

/* It had no rate until now, or has none any more. */
static void change(struct slot *slot, bool rated)
{
	slot->iteration.granted = rated ? used(slot) : INT64_MAX;
	scoreboard_set_granted(slot->place, slot->iteration.granted);
}

static void settle(struct slot *slot, int64_t granted, struct span rate)
{
	text_clear(&slot->iteration.rate);
	text_add_span(&slot->iteration.rate, rate);
	if (has_rate(slot) != (rate.len > 0))
		change(slot, rate.len > 0);
	if (has_rate(slot))
		hand_out(slot, granted);
}

static void on_answer(void *arg, const struct redis_reply *r)
{
	struct call *c = arg;
	struct grants *g = c->owner;
	bool whole = r && r->type == REDIS_ARRAY && r->n == 1 + 3 * c->n;

	g->under_way = false;
	for (size_t i = 0; i < c->n; i++) {
		struct slot *slot = whole ? find(g->supervisor, c->tokens[i]) : NULL;

		if (slot)
			settle(slot, r->items[1 + 3 * i]->integer, r->items[3 + 3 * i]->text);
		free(c->tokens[i]);
	}
	free(c);
}

static void ask(struct grants *g)
{
	struct supervisor *s = g->supervisor;
	struct verbs_grant grants[BATCH_MAX];
	char rates[BATCH_MAX][48];
	struct call *c;
	bool all = g->all_due;

	if (g->under_way)
		return;
	c = must_alloc(sizeof *c);
	c->owner = g;
	FLEET_EACH_SLOT (s, slot) {
		int64_t n = runs(slot) && has_rate(slot) ? wanted(slot) : 0;

		if (!runs(slot) || c->n == BATCH_MAX || (n <= 0 && !all))
			continue;
		grants[c->n] = (struct verbs_grant){.run = job_run(slot->job),
			.wanted = n > 0 ? n : 0,
			.rate = span_of(rate_of_class(slot->job, rates[c->n]))};
		c->tokens[c->n++] = must_strdup(slot->job->token);
	}
	g->all_due = false;
	if (c->n > 0 && verbs_grant(&s->verbs, grants, c->n, AHEAD_US, on_answer, c)) {
		g->under_way = true;
		return;
	}
	for (size_t i = 0; i < c->n; i++)
		free(c->tokens[i]);
	free(c);
}

/* -- without Redis ---------------------------------------------------------------------------------------- */

static void go_on_alone(struct grants *g)
{
	int64_t now = clock_mono_us(), us = g->away_mono_us ? now - g->away_mono_us : 0;

	g->away_mono_us = now;
	FLEET_EACH_SLOT (g->supervisor, slot) {
		struct iteration *it = &slot->iteration;
		int64_t parts, n;

		if (!runs(slot) || !has_rate(slot))
			continue;
		parts = iteration_parts_wanted(slot->job);
		it->share += items_per_us(it) * (double)us / (double)(parts > 0 ? parts : 1);
		n = (int64_t)it->share;
		it->share -= (double)n;
		hand_out(slot, n);
	}
}

static bool any_rated(const struct supervisor *s)
{
	FLEET_EACH_SLOT (s, slot)
		if (runs(slot) && has_rate(slot))
			return true;
	return false;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct grants *g = arg;
	struct supervisor *s = g->supervisor;

	(void)fd, (void)what;
	if (!redis_is_up(s->redis)) {
		g->under_way = false;
		go_on_alone(g);
	} else {
		g->away_mono_us = 0;
		ask(g);
	}
	if (any_rated(s) || g->all_due)
		supervisor_arm(g->timer, ASK_MS);
}

struct grants *grants_new(struct supervisor *s)
{
	struct grants *g = must_alloc(sizeof *g);

	g->supervisor = s;
	g->timer = evtimer_new(s->base, on_timer, g);
	return g;
}

void grants_free(struct grants *g)
{
	if (g == NULL)
		return;
	event_free(g->timer);
	free(g);
}

void grants_begin(struct grants *g, struct slot *slot)
{
	struct iteration *it = &slot->iteration;
	char rate[48];

	if (it->rate.len == 0)
		text_add_str(&it->rate, rate_of_class(slot->job, rate));
	if (it->rate.len == 0 || strcmp(it->rate.data, "none") == 0) {
		it->granted = INT64_MAX;
		return;
	}
	it->granted = 0;
	supervisor_arm(g->timer, 0);
}

void grants_look(struct grants *g)
{
	g->all_due = true;
	supervisor_arm(g->timer, 0);
}
