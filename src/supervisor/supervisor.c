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
#include "supervisor/standing/adoption.h"
#include "supervisor/standing/wishes.h"
#include "supervisor/fleet/checkpoints.h"
#include "supervisor/fleet/grants.h"
#include "supervisor/process/cgroup.h"
#include "supervisor/standing/exclusive.h"
#include "supervisor/state/home.h"
#include "supervisor/notify.h"
#include "supervisor/standing/schedule.h"
#include "supervisor/standing/scheduler.h"
#include "supervisor/job/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SAMPLE_MS = 100, BUSY_SAMPLE_MS = 100, BATCH_MS = 1, LOG_MS = 5 };

void supervisor_arm(struct event *timer, int64_t ms)
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
	return s->state == SUPERVISOR_RUNNING && lease_is_held(s->lease) && nurseries_are_ready(s);
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

/* What holds the limits, in words. */
static const char *say_limits(const struct supervisor *s)
{
	if (s->cgroup == NULL)
		return "sampled from /proc";
	if (s->cgroup->memory && s->cgroup->pids)
		return "held by cgroup v2";
	return s->cgroup->memory || s->cgroup->pids
		       ? "held in part by cgroup v2, the rest sampled"
		       : "sampled from /proc, trees ended by cgroup v2";
}

static void become_ready(struct supervisor *s)
{
	if (s->state != SUPERVISOR_STARTING || !s->enlisted || !nurseries_are_ready(s))
		return;
	s->state = SUPERVISOR_RUNNING;
	evtimer_del(s->connect_deadline);
	log_event(LOG_INFO, "supervisor.ready", LOG_STR("lease", s->lease_id),
		LOG_NUM("workers", (int64_t)fleet_slots(s)), LOG_STR("limits", say_limits(s)));
	notify_send("READY=1");
	supervisor_look_for_work(s);
}

/* -- the turn ------------------------------------------------------------------------------------------ */

static void fetch_all(struct supervisor *s)
{
	bool all = supervisor_may_fetch(s);

	for (struct pool *p = s->pools; p; p = p->next) {
		p->verdicts_sent = outbox_all_sent(s->outbox);
		if (all || (pool_has_unanswered(p) && lease_is_held(s->lease)))
			pool_fetch(p);
	}
}

/* Verdicts, and right behind them fetches for the workers that they free. */
static void send_all(struct supervisor *s)
{
	if (lease_is_held(s->lease) && !drain_holds_verdicts(s))
		outbox_flush(s->outbox);
	else
		outbox_write_down(s->outbox);
	if (lease_is_held(s->lease))
		starts_send(s);
	fetch_all(s);
}

/* Lines of a few milliseconds are written at once; warnings and errors never wait (log.c). */
static void on_log_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	log_flush();
}

/* Enough waited for a fuller batch. */
static void on_batch(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)fd, (void)what;
	s->batch_over = true;
	supervisor_turn(s);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)fd, (void)what;
	s->turn_due = false;
	become_ready(s);
	if (s->strays_due) {
		s->strays_due = false;
		strays_spawn_answered(s->strays);
	}
	if (s->fleet_due)
		fleet_settle(s);
	if (!outbox_is_due(s->outbox, fleet_slots(s)) && !s->batch_over) {
		if (!evtimer_pending(s->batch, NULL))
			supervisor_arm(s->batch, BATCH_MS);
	} else {
		s->batch_over = false;
		send_all(s);
	}
	if (s->watch_due && !s->watch_under_way && supervisor_may_fetch(s))
		lookout_watch(s);
	drain_look(s);
	if (!evtimer_pending(s->log_timer, NULL))
		supervisor_arm(s->log_timer, LOG_MS);
}

static void return_overdue(struct supervisor *s)
{
	int64_t now = clock_mono_ms();

	for (struct pool *p = s->pools; p; p = p->next)
		pool_return_backlog(p, now - AHEAD_OVERDUE_MS);
	FLEET_EACH_SLOT (s, slot)
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
		supervisor_arm(
			s->sample, next >= 0 && next < BUSY_SAMPLE_MS ? next + 1 : BUSY_SAMPLE_MS);
}

void supervisor_expect_jobs(struct supervisor *s)
{
	if (!evtimer_pending(s->sample, NULL))
		supervisor_arm(s->sample, FIRST_SAMPLE_MS);
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

/* Between two items where it has any, else by a signal. */
static void cancel(struct slot *slot)
{
	if (slot_iterates(slot) && slot->state == SLOT_RUNNING)
		slot_stop(slot, ITERATION_CANCEL);
	else
		slot_end(slot, END_CANCEL, false);
}

static void heed(struct supervisor *s, struct slot *slot)
{
	struct span run = job_run(slot->job);

	if (wishes_has(s->wishes, WISH_CANCEL, slot->job->jid) ||
		wishes_has(s->wishes, WISH_CANCEL, run))
		cancel(slot);
	else if (wishes_has(s->wishes, WISH_PAUSE, run) && slot_iterates(slot))
		slot_stop(slot, ITERATION_PAUSE);
}

/* Those in hand are ended; those that are taken from now on do not begin. */
static void on_wishes(void *ctx)
{
	struct supervisor *s = ctx;

	for (struct slot *slot = fleet_next_slot(s, NULL), *next; slot; slot = next) {
		next = fleet_next_slot(s, slot);
		if (slot_is_busy(slot))
			heed(s, slot);
	}
	grants_look(s->grants);
}

static void on_more_due(void *ctx)
{
	lookout_tick_soon(ctx);
}

static const struct outbox_events OUTBOX_EVENTS = {
	.confirmed = on_confirmed, .unknown_lease = on_unknown_lease};
static const struct resque_view_events VIEW_EVENTS = {.ids = worker_ids};

static void on_drain_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	drain_timer_fired(arg);
	supervisor_turn(arg);
}

static void make_timers(struct supervisor *s)
{
	s->trial_deadline = evtimer_new(s->base, nurseries_trial_overdue, s);
	s->log_timer = evtimer_new(s->base, on_log_timer, s);
	s->batch = evtimer_new(s->base, on_batch, s);
	s->turn = event_new(s->base, -1, 0, on_turn, s);
	s->poll = evtimer_new(s->base, lookout_poll, s);
	s->sample = evtimer_new(s->base, on_sample, s);
	s->drain_timer = evtimer_new(s->base, on_drain_timer, s);
	s->connect_deadline = evtimer_new(s->base, standing_connect_deadline, s);
}

static void make_parts(struct supervisor *s)
{
	const struct conf_supervisor *c = &s->settings->conf->supervisor;
	const struct verbs_keep keep = {c->runs_kept_ms, c->ids_kept_ms};

	for (int i = 0; i < QUEUE_SCRIPTS; i++)
		redis_script_init(queue_scripts[i]);
	s->redis = redis_new(s->base, &s->redis_options, queue_scripts, QUEUE_SCRIPTS,
		&STANDING_REDIS_EVENTS, s);
	s->verbs = (struct verbs){.redis = s->redis,
		.prefix = s->settings->conf->redis.prefix,
		.lease = s->lease_id,
		.lease_ms = c->lease_ms};
	s->presence = presence_new();
	s->exclusive = exclusive_new(s);
	s->lease = lease_new(s->base, &s->verbs, &STANDING_LEASE_EVENTS, s);
	s->outbox = outbox_new(s->base, &s->verbs, &keep, &OUTBOX_EVENTS, s);
	s->view = resque_view_new(s->base, &s->verbs, &VIEW_EVENTS, s);
	s->adoption = adoption_new(s);
	s->wishes = wishes_new(&s->verbs, on_wishes, s);
	s->checkpoints = checkpoints_new(s);
	s->grants = grants_new(s);
	s->schedule = schedule_new(&s->verbs);
	s->scheduler = scheduler_new(&s->verbs, on_more_due, s);
	pid_set_init(&s->known);
	s->streams = streams_new(s->base, &s->known);
	s->strays = strays_new(s->base, &SERVICES_STRAYS_EVENTS, s);
	s->wake = wake_new(
		s->base, &s->redis_options, s->redis, c->lease_ms / 3, &LOOKOUT_WAKE_EVENTS, s);
}

static void free_parts(struct supervisor *s)
{
	wake_free(s->wake);
	redis_free(s->redis);
	home_close(s);
	lease_free(s->lease);
	outbox_free(s->outbox);
	resque_view_free(s->view);
	adoption_free(s->adoption);
	wishes_free(s->wishes);
	checkpoints_free(s->checkpoints);
	grants_free(s->grants);
	schedule_free(s->schedule);
	scheduler_free(s->scheduler);
	strays_free(s->strays);
	text_fini(&s->wrong_types);
	fleet_free(s);
	streams_free(s->streams); /* the slots have given theirs back */
	pid_set_fini(&s->known);
	nurseries_free(s);
	cgroup_close(s->cgroup);
	presence_free(s->presence);
	exclusive_free(s->exclusive);
	words_fini(&s->verbs.words);
	event_free(s->trial_deadline);
	event_free(s->log_timer);
	event_free(s->batch);
	event_free(s->turn);
	event_free(s->poll);
	event_free(s->sample);
	event_free(s->drain_timer);
	event_free(s->connect_deadline);
	settings_unref(s->reloading);
	settings_unref(s->settings);
	event_base_free(s->base);
}

/* Neither cached time nor the coarse clock: with either a timer fires a little early. */
static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	must(config != NULL);
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(config);
	must(base != NULL);
	event_config_free(config);
	return base;
}

static void open_cgroup(struct supervisor *s, const char *folder)
{
	struct err err;

	s->cgroup = cgroup_open(s->base, folder, &err);
	if (s->cgroup == NULL)
		log_event(
			folder ? LOG_ERROR : LOG_DEBUG, "cgroup.none", LOG_STR("error", err.text));
}

/* What we need of this host. */
static bool settle_in(struct supervisor *s)
{
	struct err err;

	if (home_open(s, &err) < 0) {
		log_event(LOG_ERROR, "supervisor.failed", LOG_STR("error", err.text));
		return false;
	}
	fleet_configure(s);
	return nurseries_start(s);
}

int supervisor_run(struct settings *settings, const struct redis_options *redis,
	const struct supervisor_options *options)
{
	struct supervisor *s = must_alloc(sizeof *s);
	int exit_code;

	s->settings = settings;
	s->redis_options = *redis;
	s->wait_for_redis = options->wait_for_redis;
	s->started_wall_ms = clock_wall_ms();
	s->base = make_base();
	standing_take_new_id(s);
	make_timers(s);
	open_cgroup(s, options->cgroup);
	make_parts(s);
	s->exit_code = settle_in(s) ? 0 : 1;
	signals_install(s);
	supervisor_arm(s->poll, settings->conf->supervisor.poll_ms);
	supervisor_arm(s->connect_deadline, settings->conf->redis.connect_timeout_ms);
	redis_start(s->redis);
	if (s->exit_code == 0)
		home_start(s);
	if (s->exit_code == 0)
		event_base_dispatch(s->base);
	exit_code = s->exit_code;
	signals_remove(s);
	notify_send("STOPPING=1");
	free_parts(s);
	free(s);
	return exit_code;
}
