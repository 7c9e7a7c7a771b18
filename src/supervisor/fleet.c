/*
 * fleet: see supervisor.h. droverd. Which pools, slots and nurseries there are, and what the
 * slots need from outside themselves. It is also what tells Redis and Resque who we are.
 */
#include "supervisor/supervisor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_CONFIG = 78 };

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

#define EACH_SLOT(s, slot)                                         \
	for (struct slot *slot = fleet_next_slot((s), NULL); slot; \
		slot = fleet_next_slot((s), slot))

size_t fleet_busy(const struct supervisor *s)
{
	size_t n = 0;

	EACH_SLOT(s, slot) n += slot->state != SLOT_FREE;
	return n;
}

size_t fleet_slots(const struct supervisor *s)
{
	size_t n = 0;

	EACH_SLOT(s, slot) n += slot->pool != NULL;
	return n;
}

/* -- what slots need --------------------------------------------------------------------------------- */

static void give_up_spawn(struct slot *slot)
{
	if (slot->child.state == CHILD_SPAWNING)
		child_abandon(&slot->child);
	slot_handle(slot, SLOT_EV_NO_CHILD);
}

static void spawn_void(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	give_up_spawn(arg);
}

/* The answer must not come before this returns, hence the detour over the loop. */
static void fail_soon(struct supervisor *s, struct slot *slot, const struct err *why)
{
	const struct timeval now = {0};

	log_event(LOG_WARN, "spawn.failed", LOG_STR("worker", slot->worker_id),
		LOG_STR("error", why->text));
	event_base_once(s->base, -1, EV_TIMEOUT, spawn_void, slot, &now);
}

static void op_spawn(void *ctx, struct slot *slot, enum nursery_kind kind)
{
	struct supervisor *s = ctx;
	struct nursery *n = s->nurseries[kind];
	struct err err;
	int theirs[2];

	slot->child_kind = kind;
	if (!nursery_is_ready(n)) {
		err_set(&err, "the nursery is not there yet%s%s", n ? ": " : "",
			n ? nursery_last_error(n) : "");
		fail_soon(s, slot, &err);
	} else if (child_prepare(&slot->child, ++s->spawn_serial, theirs, &err) < 0) {
		fail_soon(s, slot, &err);
	} else if (nursery_spawn(n, slot->number, s->spawn_serial, theirs, -1, &err) < 0) {
		fail_soon(s, slot, &err);
	}
}

static void on_started(void *arg, const struct redis_reply *r)
{
	struct supervisor *s = ((void **)arg)[0];
	char *token = ((void **)arg)[1];

	EACH_SLOT(s, slot)
	{
		if (slot->state != SLOT_STARTING || strcmp(slot->job->token, token) != 0)
			continue;
		if (r == NULL || r->type != REDIS_ARRAY || r->n != 2)
			break; /* asked again when the connection and the lease stand */
		slot_handle(slot, span_is(r->items[1]->text, "go") ? SLOT_EV_GO : SLOT_EV_STALE);
		break;
	}
	free(token);
	free(arg);
}

/* A run record begins here, or goes on; the script sets state and start. */
static void op_ask_start(void *ctx, struct slot *slot)
{
	struct supervisor *s = ctx;
	const struct job *j = slot->job;
	char attempt[24];
	const struct span pairs[] = {{"class", 5}, job_class_name(j), {"queue", 5}, j->entry.queue,
		{"args", 4}, j->envelope.args, {"worker", 6}, span_of(slot->worker_id),
		{"attempt", 7}, span_of(attempt), {"origin", 6}, span_of(job_origin(j))};
	struct verbs_start start = {.token = span_of(j->token)};
	void **arg = must_alloc(2 * sizeof *arg);

	snprintf(attempt, sizeof attempt, "%lld", (long long)j->envelope.attempt);
	if (job_is_tracked(j))
		start.record = (struct verbs_record){j->jid, pairs, sizeof pairs / sizeof *pairs};
	arg[0] = s;
	arg[1] = must_strdup(j->token);
	if (!verbs_start(&s->verbs, &start, 1, on_started, arg)) {
		free(arg[1]);
		free(arg);
	}
}

static void op_spawn_answered(void *ctx)
{
	strays_spawn_answered(((struct supervisor *)ctx)->strays);
}

static void slot_cleared(void *arg)
{
	slot_handle(arg, SLOT_EV_CLEARED);
}

static bool op_clear(void *ctx, struct slot *slot)
{
	struct supervisor *s = ctx;

	return strays_clear(s->strays, slot_cleared, slot);
}

static void op_kill_tree(void *ctx, struct slot *slot)
{
	(void)ctx, (void)slot; /* what is left is ended as strays once the main process is gone */
}

/*
 * More is waiting, most likely: the next child is forked while this verdict and the next fetch
 * are on their way. If nothing comes, it is let go (see on_fetched).
 */
static void fork_ahead(struct supervisor *s, struct slot *slot)
{
	const struct pool *p = slot->pool;

	if (p && p->maybe_more && s->state == SUPERVISOR_RUNNING && !slot->retiring &&
		slot->child.state == CHILD_NONE && nursery_is_ready(s->nurseries[slot->child_kind]))
		op_spawn(s, slot, slot->child_kind);
}

static void op_send_verdict(void *ctx, struct slot *slot, const struct verdict *v, bool wait)
{
	struct supervisor *s = ctx;

	if (slot->ending.reason == END_LOST) {
		slot_handle(slot, SLOT_EV_CONFIRMED); /* the job is another supervisor's */
		return;
	}
	outbox_add(s->outbox, v, wait ? slot : NULL);
	fork_ahead(s, slot);
	supervisor_turn(s);
}

/* The worker may have another job in hand, whose record must stay. */
static void give_back(void *ctx, struct job *job)
{
	struct supervisor *s = ctx;
	const struct verdict v = {.kind = VERDICT_HEAD,
		.order = job->sequence,
		.token = span_of(job->token),
		.worker = {"", 0},
		.queue = job->entry.queue,
		.text = job->entry.payload};

	log_event(LOG_INFO, "job.returned", LOG_SPAN("jid", job->jid),
		LOG_SPAN("queue", job->entry.queue), LOG_SPAN("worker", job->entry.worker));
	outbox_add(s->outbox, &v, NULL);
	job_free(job);
	supervisor_turn(s);
}

static void op_give_back(void *ctx, struct slot *slot, struct job *job)
{
	(void)slot;
	give_back(ctx, job);
}

static void op_freed(void *ctx, struct slot *slot)
{
	fleet_slot_freed(ctx, slot);
}

const struct slot_ops FLEET_SLOT_OPS = {.ask_start = op_ask_start,
	.spawn = op_spawn,
	.spawn_answered = op_spawn_answered,
	.clear = op_clear,
	.send_verdict = op_send_verdict,
	.give_back = op_give_back,
	.freed = op_freed,
	.kill_tree = op_kill_tree};

/* -- strays -------------------------------------------------------------------------------------------- */

static bool stray_is_known(void *ctx, pid_t pid)
{
	struct supervisor *s = ctx;

	for (int k = 0; k < NURSERY_KINDS; k++)
		if (nursery_pid(s->nurseries[k]) == pid)
			return true;
	for (size_t i = 0; i < s->n_retired; i++)
		if (nursery_pid(s->retired[i]) == pid)
			return true;
	EACH_SLOT(s, slot) if (slot->child.pid == pid) return true;
	return false;
}

/* Only jobs that do not adopt their orphans can have any here while they run. */
static bool stray_is_claimed(void *ctx, pid_t pid)
{
	struct supervisor *s = ctx;

	EACH_SLOT(s, slot)
	{
		char *entry;
		bool claimed;

		if (slot->child.state != CHILD_BUSY || slot->job->class->conf->adopt_orphans)
			continue;
		entry = must_printf("DROVER_JID=%.*s", (int)slot->job->jid.len, slot->job->jid.at);
		claimed = tree_environ_holds(pid, entry);
		free(entry);
		if (claimed)
			return true;
	}
	return false;
}

static uint64_t stray_oldest_spawn(void *ctx)
{
	struct supervisor *s = ctx;
	uint64_t oldest = UINT64_MAX;

	EACH_SLOT(s, slot)
	if (slot->child.state == CHILD_SPAWNING && slot->child.serial < oldest)
		oldest = slot->child.serial;
	return oldest;
}

static uint64_t stray_next_spawn(void *ctx)
{
	return ((struct supervisor *)ctx)->spawn_serial + 1;
}

static void stray_killed(void *ctx, pid_t pid)
{
	(void)ctx;
	log_event(LOG_INFO, "job.leftover_killed", LOG_NUM("pid", pid));
}

const struct strays_events FLEET_STRAYS_EVENTS = {.is_known = stray_is_known,
	.is_claimed = stray_is_claimed,
	.oldest_spawn = stray_oldest_spawn,
	.next_spawn = stray_next_spawn,
	.killed = stray_killed};

/* -- nurseries ------------------------------------------------------------------------------------------ */

static void on_nursery_ready(void *ctx, struct nursery *n)
{
	(void)n;
	supervisor_turn(ctx);
}

static void on_nursery_lost(void *ctx, struct nursery *n, const struct err *why)
{
	struct supervisor *s = ctx;

	if (s->state == SUPERVISOR_STARTING && nursery_cannot_preload(n)) {
		log_event(LOG_ERROR, "supervisor.failed", LOG_STR("error", why->text));
		s->exit_code = EXIT_CONFIG;
		drain_begin(s, true);
	}
	EACH_SLOT(s, slot)
	if (slot->child.state == CHILD_SPAWNING && s->nurseries[slot->child_kind] == n)
		give_up_spawn(slot);
	strays_spawn_answered(s->strays);
}

static void on_spawn_refused(void *ctx, uint64_t serial, const struct err *why)
{
	struct supervisor *s = ctx;

	EACH_SLOT(s, slot)
	{
		if (slot->child.state != CHILD_SPAWNING || slot->child.serial != serial)
			continue;
		log_event(LOG_WARN, "spawn.refused", LOG_STR("worker", slot->worker_id),
			LOG_STR("error", why->text));
		give_up_spawn(slot);
		break;
	}
	strays_spawn_answered(s->strays);
}

static void on_nursery_gone(void *ctx, struct nursery *n)
{
	struct supervisor *s = ctx;

	for (size_t i = 0; i < s->n_retired; i++)
		if (s->retired[i] == n)
			s->retired[i] = s->retired[--s->n_retired];
}

static const struct nursery_events NURSERY_EVENTS = {.ready = on_nursery_ready,
	.lost = on_nursery_lost,
	.gone = on_nursery_gone,
	.refused = on_spawn_refused};

static bool needed(const struct settings *settings, enum nursery_kind kind)
{
	for (size_t i = 0; i < settings->conf->n_classes; i++)
		if (settings->classes[i].nursery == kind)
			return true;
	return false;
}

static struct nursery *make_nursery(struct supervisor *s, enum nursery_kind kind)
{
	static const char *const PROGRAMS[NURSERY_KINDS] = {
		[NURSERY_COMMANDS] = "drover-nursery", [NURSERY_MODULES] = "drover-nursery-module"};
	char **modules = s->settings->conf->modules, **argv, *env[4] = {0};
	size_t n = 0, n_env = 0;
	struct nursery *nursery = NULL;
	struct err err;
	char *program = nursery_find_program(PROGRAMS[kind], &err);

	if (program == NULL) {
		log_event(LOG_ERROR, "nursery.missing", LOG_STR("error", err.text));
		return NULL;
	}
	while (modules[n])
		n++;
	argv = must_alloc((n + 4) * sizeof *argv);
	argv[0] = program;
	argv[1] = must_strdup("--lease");
	argv[2] = s->lease_id;
	for (size_t i = 0; kind == NURSERY_MODULES && i < n; i++)
		argv[3 + i] = modules[i];
	env[n_env++] = must_printf("DROVER_LEASE=%s", s->lease_id);
	if (getenv("PATH"))
		env[n_env++] = must_printf("PATH=%s", getenv("PATH"));
	if (getenv("LANG"))
		env[n_env++] = must_printf("LANG=%s", getenv("LANG"));
	nursery = nursery_new(s->base, argv, env, &NURSERY_EVENTS, s);
	for (size_t i = 0; i < n_env; i++)
		free(env[i]);
	free(argv[1]);
	free(argv);
	free(program);
	return nursery;
}

void fleet_start_nurseries(struct supervisor *s)
{
	for (int kind = 0; kind < NURSERY_KINDS; kind++) {
		if (s->nurseries[kind] || !needed(s->settings, kind))
			continue;
		s->nurseries[kind] = make_nursery(s, kind);
		if (s->nurseries[kind])
			nursery_start(s->nurseries[kind]);
	}
}

/* The old ones end by themselves; children they made are ours and stay. */
void fleet_replace_nurseries(struct supervisor *s)
{
	for (int kind = 0; kind < NURSERY_KINDS; kind++) {
		struct nursery *old = s->nurseries[kind];

		s->nurseries[kind] = NULL;
		if (old == NULL)
			continue;
		s->retired =
			must_realloc(s->retired, (s->n_retired + 1) * sizeof(struct nursery *));
		s->retired[s->n_retired++] = old;
		nursery_retire(old);
	}
	EACH_SLOT(s, slot)
	{
		slot_dismiss_spare(slot);
		slot->child_final =
			true; /* what it was given with is not what the next job would get */
		ahead_forget(&slot->ahead);
		slot_return_ahead(slot);
	}
	fleet_start_nurseries(s);
}

bool fleet_is_ready(const struct supervisor *s)
{
	for (int kind = 0; kind < NURSERY_KINDS; kind++)
		if (needed(s->settings, kind) && !nursery_is_ready(s->nurseries[kind]))
			return false;
	return true;
}

/* -- pools and slots -------------------------------------------------------------------------------------- */

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
			op_spawn(s, slot, kind);
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
	.fetched = on_fetched, .unknown_lease = on_unknown_lease, .give_back = give_back};

static unsigned lowest_free_number(const struct supervisor *s)
{
	for (unsigned n = 1;; n++) {
		bool used = false;

		EACH_SLOT(s, slot) used = used || slot->number == n;
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

static void add_slot(struct supervisor *s, struct pool *p)
{
	unsigned number = lowest_free_number(s);
	char *id = make_worker_id(s, number, p);
	struct slot *slot = slot_new(s->base, number, id, s->lease_id, &FLEET_SLOT_OPS, s);
	struct slot **at = &p->slots;
	const struct span span = span_of(slot->worker_id);

	slot->pool = p;
	slot->kill_grace_ms = s->settings->conf->supervisor.kill_grace_ms;
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
			slot->stop_asked = true;
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

		p->weighted = conf->pools[i].weighted;
		p->workers_wanted = conf->pools[i].workers;
		p->maybe_more = true;
	}
	for (struct pool *p = s->pools; p; p = p->next)
		if (p->retiring)
			p->workers_wanted = 0;
	fleet_settle(s);
}

static void discard_slots(struct slot *slot)
{
	for (struct slot *next; slot; slot = next) {
		next = slot->next;
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
	for (int kind = 0; kind < NURSERY_KINDS; kind++)
		nursery_free(s->nurseries[kind]);
	for (size_t i = 0; i < s->n_retired; i++)
		nursery_free(s->retired[i]);
	free(s->retired);
}
