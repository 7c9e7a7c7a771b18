/*
 * fleet: see supervisor.h. droverd. Which pools and slots there are: as many as the configuration
 * and the signals say; those that are too many go when they are free.
 */
#include "supervisor/standing/schedule.h"
#include "supervisor/supervisor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/process/cgroup.h"
#include "supervisor/state/home.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- walking ----------------------------------------------------------------------------------------- */

static struct slot *first_from(const struct supervisor *s, const struct pool *p)
{
	for (; p; p = p->next)
		if (p->slots)
			return p->slots;
	return s->leaving;
}

struct slot *fleet_next_slot(const struct supervisor *s, const struct slot *after)
{
	if (after == NULL)
		return first_from(s, s->pools);
	if (after->next)
		return after->next;
	return after->pool ? first_from(s, ((struct pool *)after->pool)->next) : NULL;
}

size_t fleet_busy(const struct supervisor *s)
{
	size_t n = 0;

	FLEET_EACH_SLOT (s, slot)
		n += slot->state != SLOT_FREE;
	return n;
}

size_t fleet_slots(const struct supervisor *s)
{
	size_t n = 0;

	FLEET_EACH_SLOT (s, slot)
		n += slot->pool != NULL;
	return n;
}

/* How many workers of a pool keep a child waiting while they are idle, and of which nursery. */
static int wanted_spares(const struct supervisor *s, enum nursery_kind *kind)
{
	const struct conf *c = s->settings->conf;
	int most = 0;

	for (size_t i = 0; i < c->n_classes; i++)
		if (c->classes[i].spares > most) {
			most = c->classes[i].spares;
			*kind = s->settings->classes[i].nursery;
		}
	return most;
}

/* The pool is idle: its first free workers keep or get a spare, the others let theirs go. */
static void keep_spares(struct supervisor *s, struct pool *p)
{
	enum nursery_kind kind = NURSERY_COMMANDS;
	int left = s->state == SUPERVISOR_RUNNING ? wanted_spares(s, &kind) : 0;

	for (struct slot *slot = p->slots; slot; slot = slot->next) {
		if (slot->state != SLOT_FREE)
			continue;
		if (left <= 0 || slot->retiring)
			slot_dismiss_spare(slot);
		else if (slot->child.state == CHILD_NONE && nursery_is_ready(s->nurseries[kind]))
			services_spawn(s, slot, kind);
		left--;
	}
}

void fleet_slot_freed(struct supervisor *s, struct slot *slot)
{
	struct pool *p = slot->pool;

	if (pool_serve_backlog(p, slot))
		return;
	if (!p->maybe_more && !pool_has_unanswered(p))
		keep_spares(s, p);
	s->fleet_due = s->fleet_due || slot->retiring;
	supervisor_turn(s);
}

static void on_fetched(void *ctx, struct pool *p, bool more)
{
	struct supervisor *s = ctx;

	if (!more) {
		s->watch_due = true;
		keep_spares(s, p);
	}
	supervisor_expect_jobs(s);
	if (s->state >= SUPERVISOR_DRAINING) {
		pool_return_backlog(p, INT64_MAX);
		for (struct slot *slot = p->slots; slot; slot = slot->next)
			if (slot->state == SLOT_STARTING || slot->state == SLOT_LAUNCHING)
				slot_end(slot, END_STOP, false);
	}
	supervisor_turn(s);
}

static void on_unknown_lease(void *ctx)
{
	lease_beat_now(((struct supervisor *)ctx)->lease);
}

static const struct pool_events POOL_EVENTS = {
	.fetched = on_fetched, .unknown_lease = on_unknown_lease, .give_back = services_give_back};

static unsigned lowest_free_number(const struct supervisor *s)
{
	for (unsigned n = 1;; n++) {
		bool used = false;

		FLEET_EACH_SLOT (s, slot)
			used = used || slot->number == n;
		if (!used)
			return n;
	}
}

/* Resque splits an id at its colons, and resque-web makes a path of it. */
static char *make_worker_id(const struct supervisor *s, unsigned number, const struct pool *p)
{
	char *host = must_strdup(s->settings->conf->supervisor.name), *id;

	for (char *c = host; *c; c++)
		if (strchr(":/, \t", *c))
			*c = '-';
	id = must_printf(
		"%s.%u:%d:%s", host, number, (int)getpid(), queue_order_id_suffix(p->order));
	free(host);
	return id;
}

static struct cgroup_leaf *make_leaf(struct supervisor *s, unsigned number)
{
	struct cgroup_leaf *leaf;
	struct err err;

	if (s->cgroup == NULL)
		return NULL;
	leaf = cgroup_leaf_new(s->cgroup, number, &err);
	if (leaf == NULL)
		log_event(LOG_WARN, "cgroup.given_up", LOG_NUM("worker", number),
			LOG_STR("error", err.text));
	return leaf;
}

static void add_slot(struct supervisor *s, struct pool *p)
{
	unsigned number = lowest_free_number(s);
	char *id = make_worker_id(s, number, p);
	struct slot *slot = slot_new(s->base, number, id, s->lease_id, &SERVICES_SLOT_OPS, s);
	struct slot **at = &p->slots;
	const struct span span = span_of(slot->worker_id);

	slot->pool = p;
	slot->leaf = make_leaf(s, number);
	slot->place = home_place(s, number);
	slot->kill_grace_ms = s->settings->conf->supervisor.kill_grace_ms;
	slot->stop_grace_ms = s->settings->conf->supervisor.shutdown_grace_ms;
	while (*at && (*at)->number < number)
		at = &(*at)->next;
	slot->next = *at;
	*at = slot;
	if (s->enlisted)
		resque_view_add(s->view, &span, 1, NULL, NULL);
	free(id);
}

/* Not while a fetch names it: its answer is for this very slot. */
static bool may_go(const struct slot *slot)
{
	const struct pool *p = slot->pool;

	return slot->retiring && slot->state == SLOT_FREE && !pool_has_unanswered(p) && !p->backlog;
}

static void let_go(struct supervisor *s, struct slot **at)
{
	struct slot *slot = *at;
	const struct span span = span_of(slot->worker_id);

	*at = slot->next;
	resque_view_remove(s->view, &span, 1, NULL, NULL);
	slot_dismiss_spare(slot);
	slot->pool = NULL;
	slot->next = s->leaving;
	s->leaving = slot;
}

static void retire_surplus(struct pool *p)
{
	int surplus = pool_living_slots(p) - p->workers_wanted;

	for (int pass = 0; pass < 2; pass++) /* idle ones first */
		for (struct slot *slot = p->slots; slot && surplus > 0; slot = slot->next) {
			if (slot->retiring || (pass == 0 && slot->state != SLOT_FREE))
				continue;
			slot->retiring = true;
			slot_stop(slot, ITERATION_STOP);
			slot_return_ahead(slot);
			surplus--;
		}
}

static void settle_pool(struct supervisor *s, struct pool *p)
{
	retire_surplus(p);
	while (pool_living_slots(p) < p->workers_wanted)
		add_slot(s, p);
	for (struct slot **at = &p->slots; *at;) {
		if (may_go(*at))
			let_go(s, at);
		else
			at = &(*at)->next;
	}
}

static void free_left_slots(struct supervisor *s)
{
	for (struct slot **at = &s->leaving; *at;) {
		struct slot *slot = *at;

		if (slot->child.state != CHILD_NONE) {
			at = &slot->next;
			continue;
		}
		*at = slot->next;
		cgroup_leaf_free(slot->leaf);
		slot_free(slot);
	}
}

void fleet_settle(struct supervisor *s)
{
	s->fleet_due = s->leaving != NULL;
	for (struct pool **at = &s->pools; *at;) {
		struct pool *p = *at;

		settle_pool(s, p);
		if (p->retiring && p->slots == NULL && !pool_has_unanswered(p)) {
			*at = p->next;
			pool_free(p);
		} else {
			at = &p->next;
		}
	}
	free_left_slots(s);
	for (struct pool *p = s->pools; p && !s->fleet_due; p = p->next)
		s->fleet_due = p->retiring || pool_living_slots(p) != pool_all_slots(p);
}

static struct pool *find_pool(struct supervisor *s, const char *name)
{
	for (struct pool *p = s->pools; p; p = p->next)
		if (!p->retiring && strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

/* Other queues mean other worker ids, so such a pool is made anew beside the old one. */
static struct pool *pool_for(struct supervisor *s, const struct conf_pool *c)
{
	struct queue_order *order = queue_order_new(c->queues, c->n_queues, c->weights);
	struct pool *p = find_pool(s, c->name), **at = &s->pools;
	char *mark;

	must(order != NULL); /* conf refuses such a list */
	if (p && strcmp(queue_order_id_suffix(p->order), queue_order_id_suffix(order)) == 0) {
		queue_order_free(p->order);
		p->order = order;
		return p;
	}
	if (p)
		p->retiring = true;
	mark = must_printf("%s~%u", c->name, ++s->pools_made);
	p = pool_new(c->name, mark, &s->verbs, &s->settings, &POOL_EVENTS, s);
	free(mark);
	p->order = order;
	while (*at)
		at = &(*at)->next;
	*at = p;
	return p;
}

void fleet_configure(struct supervisor *s)
{
	const struct conf *conf = s->settings->conf;

	for (struct pool *p = s->pools; p; p = p->next) {
		bool kept = false;

		for (size_t i = 0; i < conf->n_pools; i++)
			kept = kept || strcmp(conf->pools[i].name, p->name) == 0;
		p->retiring = p->retiring || !kept;
	}
	for (size_t i = 0; i < conf->n_pools; i++) {
		struct pool *p = pool_for(s, &conf->pools[i]);

		p->workers_wanted = conf->pools[i].workers;
		p->maybe_more = true;
	}
	for (struct pool *p = s->pools; p; p = p->next)
		if (p->retiring)
			p->workers_wanted = 0;
	FLEET_EACH_SLOT (s, slot) {
		slot->kill_grace_ms = conf->supervisor.kill_grace_ms;
		slot->stop_grace_ms = conf->supervisor.shutdown_grace_ms;
	}
	for (size_t i = 0; i < conf->n_classes; i++)
		s->orphans_possible = s->orphans_possible || !conf->classes[i].adopt_orphans;
	outbox_keep(s->outbox,
		&(struct verbs_keep){conf->supervisor.runs_kept_ms, conf->supervisor.ids_kept_ms});
	schedule_configure(s->schedule, s->settings);
	fleet_settle(s);
}

static void discard_slots(struct slot *slot)
{
	for (struct slot *next; slot; slot = next) {
		next = slot->next;
		cgroup_leaf_free(slot->leaf);
		slot_discard(slot);
	}
}

void fleet_free(struct supervisor *s)
{
	for (struct pool *p = s->pools, *next; p; p = next) {
		next = p->next;
		discard_slots(p->slots);
		pool_free(p);
	}
	discard_slots(s->leaving);
}
