/*
 * supervisor: see supervisor.h. droverd. The parts put together and the loop they run in. What is
 * to be sent is sent at the end of a turn of the loop, so that whatever came together goes out
 * together: verdicts first, then fetches for the workers they freed, then the watch.
 */
#include "supervisor/supervisor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "queue/keys.h"
#include "queue/scripts.h"
#include "supervisor/notify.h"
#include "supervisor/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SAMPLE_MS = 100, BUSY_SAMPLE_MS = 100, EXIT_REDIS_AWAY = 69 };

static void arm(struct event *timer, int64_t ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(timer, &tv);
}

void supervisor_end(struct supervisor *s, int exit_code)
{
	s->state = SUPERVISOR_ENDED;
	s->exit_code = exit_code;
	event_base_loopbreak(s->base);
}

bool supervisor_may_fetch(const struct supervisor *s)
{
	return s->state == SUPERVISOR_RUNNING && lease_is_held(s->lease) && fleet_is_ready(s);
}

void supervisor_turn(struct supervisor *s)
{
	if (s->turn_due)
		return;
	s->turn_due = true;
	event_active(s->turn, EV_TIMEOUT, 0);
}

void supervisor_look_for_work(struct supervisor *s)
{
	for (struct pool *p = s->pools; p; p = p->next)
		p->maybe_more = true;
	supervisor_turn(s);
}

/* -- being ready ------------------------------------------------------------------------------------- */

static void become_ready(struct supervisor *s)
{
	if (s->state != SUPERVISOR_STARTING || !s->enlisted || !fleet_is_ready(s))
		return;
	s->state = SUPERVISOR_RUNNING;
	evtimer_del(s->connect_deadline);
	log_event(LOG_INFO, "supervisor.ready", LOG_STR("lease", s->lease_id),
		LOG_NUM("workers", (int64_t)fleet_slots(s)),
		LOG_STR("limits", "sampled from /proc"));
	notify_send("READY=1");
	supervisor_look_for_work(s);
}

static void on_enlisted(void *arg, const struct redis_reply *r)
{
	struct supervisor *s = arg;

	if (r == NULL || r->type == REDIS_ERROR)
		return;
	s->enlisted = true;
	become_ready(s);
}

/* -- the turn ------------------------------------------------------------------------------------------ */

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

static void send_watch(struct supervisor *s)
{
	struct span *queues;
	size_t n = collect_queues(s, &queues);

	s->watch_due = false;
	s->watch_generation = s->pools_made;
	s->watch_under_way = verbs_watch(
		&s->verbs, wake_is_ready(s->wake), any_dynamic(s), queues, n, on_watched, s);
	free(queues);
}

static void fetch_all(struct supervisor *s)
{
	bool all = supervisor_may_fetch(s);

	for (struct pool *p = s->pools; p; p = p->next) {
		p->verdicts_sent = outbox_all_sent(s->outbox);
		if (all || (pool_has_unanswered(p) && lease_is_held(s->lease)))
			pool_fetch(p);
	}
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)fd, (void)what;
	s->turn_due = false;
	become_ready(s);
	if (s->fleet_due)
		fleet_settle(s);
	if (lease_is_held(s->lease) && !drain_holds_verdicts(s))
		outbox_flush(s->outbox);
	fetch_all(s);
	if (s->watch_due && !s->watch_under_way && supervisor_may_fetch(s))
		send_watch(s);
	drain_look(s);
	log_flush();
}

/* -- watching, polling ----------------------------------------------------------------------------------- */

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
				log_event(
					LOG_WARN, "queue.wrong_type", LOG_SPAN("queue", names[q]));
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

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)fd, (void)what;
	s->watch_due = true;
	supervisor_turn(s);
	arm(s->poll, s->settings->conf->supervisor.poll_ms);
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

static void return_overdue(struct supervisor *s)
{
	int64_t now = clock_mono_ms();

	for (struct pool *p = s->pools; p; p = p->next)
		pool_return_backlog(p, now - AHEAD_OVERDUE_MS);
	for (struct slot *slot = fleet_next_slot(s, NULL); slot; slot = fleet_next_slot(s, slot))
		if (ahead_is_overdue(&slot->ahead, now)) {
			ahead_forget(&slot->ahead);
			slot_return_ahead(slot);
		}
}

static void on_sample(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;
	int64_t next;

	(void)fd, (void)what;
	return_overdue(s);
	sample_all(s);
	next = sample_interval_ms(s);
	if (next >= 0 || fleet_busy(s) > 0)
		arm(s->sample, next >= 0 && next < BUSY_SAMPLE_MS ? next + 1 : BUSY_SAMPLE_MS);
}

void supervisor_expect_jobs(struct supervisor *s)
{
	if (!evtimer_pending(s->sample, NULL))
		arm(s->sample, FIRST_SAMPLE_MS);
}

/* -- the lease ------------------------------------------------------------------------------------------- */

static void collect(void *ctx, struct lease_holdings *out)
{
	presence_collect(ctx, out);
}

/* A repeated `start` answers the same, so those that wait for one ask again. */
static void ask_starts_again(struct supervisor *s)
{
	for (struct slot *slot = fleet_next_slot(s, NULL); slot; slot = fleet_next_slot(s, slot))
		if (slot->state == SLOT_STARTING)
			slot->ops->ask_start(slot->ctx, slot);
}

static void on_held(void *ctx, bool first)
{
	struct supervisor *s = ctx;

	if (!first)
		return;
	if (!s->enlisted) {
		size_t n;
		const struct span *ids = presence_worker_ids(s, &n);

		resque_view_add(s->view, ids, n, on_enlisted, s);
		s->enlisted = n == 0;
	}
	resque_view_connected(s->view);
	ask_starts_again(s);
	supervisor_look_for_work(s);
}

static void on_orphan(void *ctx, struct span token, struct span entry)
{
	struct supervisor *s = ctx;
	struct text payload = {0};
	struct err err;
	struct job *job = job_new(s->settings, token, entry, &err);

	if (job == NULL) {
		log_event(LOG_ERROR, "lease.nonsense", LOG_SPAN("token", token),
			LOG_STR("error", err.text));
		return;
	}
	log_event(LOG_WARN, "job.orphan", LOG_SPAN("jid", job->jid), LOG_SPAN("token", token));
	verdict_add_payload(&payload, job, VERDICT_RECOVERED);
	outbox_add(s->outbox,
		&(struct verdict){.kind = VERDICT_HEAD,
			.order = job->sequence,
			.token = token,
			.worker = {"", 0}, /* it may have another in hand by now */
			.queue = job->entry.queue,
			.text = {payload.data, payload.len}},
		NULL);
	text_fini(&payload);
	job_free(job);
	supervisor_turn(s);
}

/* A verdict under way when the beat was put together explains it; only a job that runs is news. */
static void on_missing(void *ctx, struct span token)
{
	struct supervisor *s = ctx;

	for (struct slot *slot = fleet_next_slot(s, NULL); slot; slot = fleet_next_slot(s, slot))
		if (slot->job && slot->state != SLOT_VERDICT && span_is(token, slot->job->token))
			log_event(LOG_ERROR, "job.missing", LOG_SPAN("jid", slot->job->jid),
				LOG_SPAN("token", token),
				LOG_STR("error", "Redis has lost this job; it runs on, its verdict "
						 "will be stale"));
}

static void take_new_id(struct supervisor *s)
{
	char *id = lease_new_id(s->settings->conf->supervisor.name);

	snprintf(s->lease_id, sizeof s->lease_id, "%s", id);
	free(id);
}

/* What was in hand is another's: it is ended without a verdict, then we begin anew. */
static void on_taken(void *ctx)
{
	struct supervisor *s = ctx;

	log_event(LOG_ERROR, "lease.taken", LOG_STR("lease", s->lease_id),
		LOG_STR("error",
			"another supervisor took over what was in hand; its processes are ended"));
	drain_kill_all(s, END_LOST, true);
	outbox_drop_all(s->outbox);
	for (struct pool *p = s->pools; p; p = p->next)
		pool_reset_numbers(p);
	take_new_id(s);
	fleet_replace_nurseries(s);
	lease_renew_as(s->lease);
}

static void on_forgotten(void *ctx)
{
	struct supervisor *s = ctx;

	log_event(LOG_ERROR, "redis.data_lost", LOG_STR("lease", s->lease_id),
		LOG_NUM("in_hand", (int64_t)fleet_busy(s)),
		LOG_STR("error", "Redis does not know this supervisor any more: it lost data. What "
				 "is in hand "
				 "is written again"));
	s->reenter_due = true;
	s->enlisted = s->state == SUPERVISOR_STARTING ? s->enlisted : false;
}

static void on_held_again(void *ctx, bool first)
{
	struct supervisor *s = ctx;

	if (s->reenter_due)
		presence_reenter(s);
	s->reenter_due = false;
	on_held(ctx, first);
}

static const struct lease_events LEASE_EVENTS = {.collect = collect,
	.held = on_held_again,
	.orphan = on_orphan,
	.missing = on_missing,
	.taken = on_taken,
	.forgotten = on_forgotten};

/* -- the connection --------------------------------------------------------------------------------------- */

static void on_up(void *ctx)
{
	struct supervisor *s = ctx;

	if (s->was_up && s->down_said)
		log_event(LOG_INFO, "redis.up",
			LOG_NUM("away_ms", clock_mono_ms() - s->down_since_mono_ms));
	s->was_up = true;
	s->down_said = false;
	lease_connected(s->lease);
	wake_main_connected(s->wake);
	supervisor_turn(s);
}

static void on_down(void *ctx, const struct err *why, bool lasting)
{
	struct supervisor *s = ctx;

	lease_disconnected(s->lease);
	s->watch_under_way = false;
	if (!s->was_up && lasting) {
		log_event(LOG_ERROR, "redis.refused", LOG_STR("error", why->text));
		supervisor_end(s, 1);
		return;
	}
	if (s->down_said)
		return;
	s->down_said = true;
	s->down_since_mono_ms = clock_mono_ms();
	log_event(LOG_ERROR, "redis.down", LOG_STR("error", why->text),
		LOG_STR("consequence",
			s->was_up ? "jobs go on, their verdicts wait" : "nothing is begun"));
	supervisor_turn(s);
}

static const struct redis_events REDIS_EVENTS = {.up = on_up, .down = on_down};

static void on_connect_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)fd, (void)what;
	if (s->was_up || s->wait_for_redis)
		return;
	log_event(LOG_ERROR, "supervisor.failed",
		LOG_STR("error",
			"Redis was not reached within connect_timeout; --wait would go on trying"));
	supervisor_end(s, EXIT_REDIS_AWAY);
}

/* -- made and unmade ---------------------------------------------------------------------------------------- */

static const struct span *worker_ids(void *ctx, size_t *n)
{
	return presence_worker_ids(ctx, n);
}

static void on_confirmed(void *ctx, void *owner)
{
	(void)ctx;
	slot_handle(owner, SLOT_EV_CONFIRMED);
}

static void on_unknown_lease(void *ctx)
{
	lease_beat_now(((struct supervisor *)ctx)->lease);
}

static const struct outbox_events OUTBOX_EVENTS = {
	.confirmed = on_confirmed, .unknown_lease = on_unknown_lease};
static const struct resque_view_events VIEW_EVENTS = {.ids = worker_ids};
static const struct wake_events WAKE_EVENTS = {.ready = on_wake_ready, .touched = on_touched};

static void on_drain_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	drain_timer_fired(arg);
	supervisor_turn(arg);
}

static void make_timers(struct supervisor *s)
{
	s->turn = event_new(s->base, -1, 0, on_turn, s);
	s->poll = evtimer_new(s->base, on_poll, s);
	s->sample = evtimer_new(s->base, on_sample, s);
	s->drain_timer = evtimer_new(s->base, on_drain_timer, s);
	s->connect_deadline = evtimer_new(s->base, on_connect_deadline, s);
}

static void make_parts(struct supervisor *s)
{
	const struct conf_supervisor *c = &s->settings->conf->supervisor;

	for (int i = 0; i < QUEUE_SCRIPTS; i++)
		redis_script_init(queue_scripts[i]);
	s->redis = redis_new(
		s->base, &s->redis_options, queue_scripts, QUEUE_SCRIPTS, &REDIS_EVENTS, s);
	s->verbs = (struct verbs){.redis = s->redis,
		.prefix = s->settings->conf->redis.prefix,
		.lease = s->lease_id,
		.lease_ms = c->lease_ms};
	s->presence = presence_new();
	s->lease = lease_new(s->base, &s->verbs, &LEASE_EVENTS, s);
	s->outbox = outbox_new(s->base, &s->verbs, c->runs_kept_ms, &OUTBOX_EVENTS, s);
	s->view = resque_view_new(s->base, &s->verbs, &VIEW_EVENTS, s);
	s->strays = strays_new(s->base, &FLEET_STRAYS_EVENTS, s);
	s->wake = wake_new(s->base, &s->redis_options, s->redis, c->lease_ms / 3, &WAKE_EVENTS, s);
}

static void free_parts(struct supervisor *s)
{
	wake_free(s->wake);
	redis_free(s->redis);
	lease_free(s->lease);
	outbox_free(s->outbox);
	resque_view_free(s->view);
	strays_free(s->strays);
	fleet_free(s);
	presence_free(s->presence);
	words_fini(&s->verbs.words);
	event_free(s->turn);
	event_free(s->poll);
	event_free(s->sample);
	event_free(s->drain_timer);
	event_free(s->connect_deadline);
	settings_unref(s->settings);
	event_base_free(s->base);
}

int supervisor_run(
	struct settings *settings, const struct redis_options *redis, bool wait_for_redis)
{
	struct supervisor *s = must_alloc(sizeof *s);
	int exit_code;

	s->settings = settings;
	s->redis_options = *redis;
	s->wait_for_redis = wait_for_redis;
	s->started_wall_ms = clock_wall_ms();
	s->base = event_base_new();
	must(s->base != NULL);
	take_new_id(s);
	make_timers(s);
	make_parts(s);
	fleet_configure(s);
	fleet_start_nurseries(s);
	signals_install(s);
	arm(s->poll, settings->conf->supervisor.poll_ms);
	arm(s->connect_deadline, settings->conf->redis.connect_timeout_ms);
	redis_start(s->redis);
	event_base_dispatch(s->base);
	exit_code = s->exit_code;
	signals_remove(s);
	notify_send("STOPPING=1");
	free_parts(s);
	free(s);
	return exit_code;
}
