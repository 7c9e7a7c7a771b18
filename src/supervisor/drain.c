/*
 * drain: see supervisor.h. droverd. How a supervisor ends: it takes nothing new, lets plain jobs
 * finish until shutdown_grace, ends what is left, waits for the verdicts, says good-bye.
 */
#include "base/clock.h"
#include "base/log.h"
#include "supervisor/state/home.h"
#include "supervisor/supervisor.h"

#include <stdlib.h>

enum { LEAVE_WAIT_S = 5, HOLD_VERDICTS_MS = 100, REDIS_WAIT_MS = 25000, REFUSED_MAX_S = 10 };

static void set_drain_timer(struct supervisor *s, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_del(s->drain_timer);
	if (ms >= 0)
		evtimer_add(s->drain_timer, &tv);
}

void drain_kill_all(struct supervisor *s, enum end_reason reason, bool at_once)
{
	for (struct slot *slot = fleet_next_slot(s, NULL), *next; slot; slot = next) {
		next = fleet_next_slot(s, slot);
		if (slot_is_busy(slot))
			slot_end(slot, reason, at_once);
	}
}

/* Jobs that have not begun go back; the others are told to stop at their next checkpoint. */
static void ask_politely(struct supervisor *s)
{
	for (struct pool *p = s->pools; p; p = p->next)
		pool_return_backlog(p, INT64_MAX);
	for (struct slot *slot = fleet_next_slot(s, NULL), *next; slot; slot = next) {
		next = fleet_next_slot(s, slot);
		slot_stop(slot, ITERATION_STOP);
		slot_return_ahead(slot);
		slot_dismiss_spare(slot);
		if (slot->state == SLOT_STARTING || slot->state == SLOT_LAUNCHING)
			slot_end(slot, END_STOP, false);
	}
}

static void end_at_once(struct supervisor *s)
{
	log_event(LOG_WARN, "supervisor.kill", LOG_NUM("busy", (int64_t)fleet_busy(s)));
	drain_kill_all(s, END_STOP, true);
}

static void grace_is_over(struct supervisor *s)
{
	s->hold_verdicts_until_mono_ms = clock_mono_ms() + HOLD_VERDICTS_MS;
	log_event(LOG_INFO, "supervisor.grace_over", LOG_NUM("busy", (int64_t)fleet_busy(s)));
	drain_kill_all(s, END_STOP, false);
}

/* First TERM: grace begins. Second: it is over. Third: killed at once. */
void drain_begin(struct supervisor *s, bool deadline)
{
	if (s->state < SUPERVISOR_DRAINING) {
		s->state = SUPERVISOR_DRAINING;
		reload_forget(s);
		log_event(LOG_INFO, "supervisor.drain", LOG_NUM("busy", (int64_t)fleet_busy(s)),
			LOG_STR("grace", deadline ? "shutdown_grace" : "none"));
		ask_politely(s);
		s->drain_step = deadline;
		set_drain_timer(s, deadline ? s->settings->conf->supervisor.shutdown_grace_ms : -1);
	} else if (deadline && s->drain_step == 0) {
		s->drain_step = 1; /* QUIT had no deadline: TERM gives it one */
		set_drain_timer(s, s->settings->conf->supervisor.shutdown_grace_ms);
	} else if (deadline && s->drain_step == 1) {
		s->drain_step = 2;
		grace_is_over(s);
	} else if (deadline) {
		end_at_once(s);
	}
	supervisor_turn(s);
}

static void give_up_redis(struct supervisor *s)
{
	size_t waiting = outbox_count(s->outbox);

	log_event(LOG_ERROR, "supervisor.gave_up", LOG_NUM("verdicts", (int64_t)waiting),
		LOG_STR("lease", s->lease_id), LOG_STR("folder", home_path(s)),
		LOG_STR("error", "Redis cannot be reached, or refuses them; these jobs stay in "
				 "their lease in Redis: "
				 "drover jobs shows them"));
	supervisor_end(s, 1);
}

static void on_left(void *arg, const struct redis_reply *r)
{
	struct supervisor *s = arg;

	if (r && r->type == REDIS_INTEGER && r->integer > 0 && ++s->drain_waits <= REFUSED_MAX_S) {
		/* The answer of a beat gives back what nobody holds; then good-bye is said again. */
		s->state = SUPERVISOR_DRAINING;
		lease_beat_now(s->lease);
		return;
	}
	if (r && r->type == REDIS_INTEGER && r->integer > 0)
		log_event(LOG_WARN, "supervisor.left_behind", LOG_NUM("entries", r->integer));
	if (r == NULL) { /* the connection broke on the last word: it is said again */
		s->state = SUPERVISOR_DRAINING;
		return;
	}
	s->lease_left = r->type == REDIS_INTEGER && r->integer == 0;
	log_event(LOG_INFO, "supervisor.drained");
	supervisor_end(s, s->exit_code);
}

static void say_good_bye(struct supervisor *s)
{
	size_t n;
	const struct span *ids = presence_worker_ids(s, &n);

	s->state = SUPERVISOR_LEAVING;
	resque_view_remove(s->view, ids, n, NULL, NULL);
	set_drain_timer(s, LEAVE_WAIT_S * 1000);
	verbs_leave(&s->verbs, on_left, s);
}

static void on_hold_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	supervisor_turn(arg);
}

bool drain_holds_verdicts(struct supervisor *s)
{
	int64_t left = s->hold_verdicts_until_mono_ms - clock_mono_ms();
	const struct timeval tv = {.tv_usec = left * 1000};
	bool ending = false;

	if (s->state != SUPERVISOR_DRAINING || s->hold_verdicts_until_mono_ms == 0 || left <= 0)
		return false;
	FLEET_EACH_SLOT (s, slot)
		ending = ending || slot->state == SLOT_ENDING || slot->state == SLOT_CLEARING;
	if (ending)
		event_base_once(s->base, -1, EV_TIMEOUT, on_hold_over, s, &tv);
	return ending;
}

static bool unanswered(const struct supervisor *s)
{
	for (const struct pool *p = s->pools; p; p = p->next)
		if (pool_has_unanswered(p))
			return true;
	return false;
}

/* A job that has no verdict yet. */
static bool any_job(struct supervisor *s)
{
	bool any = false;

	FLEET_EACH_SLOT (s, slot)
		any = any || slot_is_busy(slot);
	return any;
}

/* Nothing runs, and only Redis is waited for: that has a bound, also where jobs had none. */
static void bound_the_wait(struct supervisor *s)
{
	int64_t grace_ms = s->settings->conf->supervisor.shutdown_grace_ms;

	if (any_job(s) || evtimer_pending(s->drain_timer, NULL))
		return;
	if (!redis_is_up(s->redis))
		set_drain_timer(s, grace_ms == CONF_NONE ? REDIS_WAIT_MS : grace_ms);
	else if (outbox_count(s->outbox) > 0)
		set_drain_timer(s, 1000);
}

void drain_look(struct supervisor *s)
{
	if (s->state != SUPERVISOR_DRAINING)
		return;
	bound_the_wait(s);
	if (fleet_busy(s) > 0 || outbox_count(s->outbox) > 0)
		return;
	if (!lease_is_held(s->lease)) {
		if (!s->was_up)
			supervisor_end(s, s->exit_code);
		return;
	}
	if (!unanswered(s))
		say_good_bye(s);
}

/* The one timer of a drain: grace first, then the bound on waiting for Redis. */
void drain_timer_fired(struct supervisor *s)
{
	if (s->state == SUPERVISOR_LEAVING) {
		supervisor_end(s, s->exit_code);
	} else if (any_job(s)) {
		s->drain_step = s->drain_step < 2 ? 2 : s->drain_step;
		grace_is_over(s);
		set_drain_timer(s, s->settings->conf->supervisor.kill_grace_ms + 1000);
	} else if (!redis_is_up(s->redis)) {
		give_up_redis(s);
	} else if (outbox_count(s->outbox) > 0 && ++s->drain_waits > REFUSED_MAX_S) {
		give_up_redis(s);
	} else {
		set_drain_timer(s, 1000);
	}
}
