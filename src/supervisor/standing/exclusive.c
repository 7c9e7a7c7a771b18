/* exclusive: see exclusive.h. droverd. */
#include "supervisor/standing/exclusive.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/state/scoreboard.h"
#include "supervisor/supervisor.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct exclusive {
	struct supervisor *supervisor;
	struct scoreboard *board;
	int64_t deadline_boot_ms; /* 0: no beat was confirmed */
	int timer;
	struct event *ev_timer;
	bool armed;
};

static bool is_exclusive(const struct slot *slot)
{
	return slot->job && slot->job->class && slot->job->class->conf->exclusive;
}

/* Its process has the job, and nobody has ended it yet. */
static bool runs(const struct slot *slot)
{
	return is_exclusive(slot) && slot->child.state == CHILD_BUSY && slot_is_busy(slot) &&
	       !slot->ending.kill_sent;
}

/* Or it is about to be given it: then it goes back as it is. */
static bool may_be_ended(const struct slot *slot)
{
	return runs(slot) || (is_exclusive(slot) && slot->state == SLOT_LAUNCHING);
}

static bool has_passed(const struct exclusive *e)
{
	return clock_boot_ms() >= e->deadline_boot_ms;
}

void exclusive_end(struct slot *slot)
{
	if (may_be_ended(slot))
		slot_end(slot, END_EXCLUSIVE, true);
}

void exclusive_end_all(struct exclusive *e, const char *why)
{
	int64_t jobs = 0;

	FLEET_EACH_SLOT (e->supervisor, slot)
		jobs += may_be_ended(slot);
	if (jobs == 0)
		return;
	log_event(LOG_WARN, "exclusive.ended", LOG_NUM("jobs", jobs), LOG_STR("error", why));
	FLEET_EACH_SLOT (e->supervisor, slot)
		exclusive_end(slot);
}

static void end_overdue(struct exclusive *e)
{
	exclusive_end_all(e, "no beat was confirmed for 0.8 of the lease");
}

/* -- the timer ----------------------------------------------------------------------------------------- */

static void arm(struct exclusive *e)
{
	const struct itimerspec at = {
		.it_value = {e->deadline_boot_ms / 1000, e->deadline_boot_ms % 1000 * 1000000}};

	e->armed = timerfd_settime(e->timer, TFD_TIMER_ABSTIME, &at, NULL) == 0;
	must(e->armed);
}

/* A deadline that moved meanwhile is slept for again, while anybody has one. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct exclusive *e = arg;
	uint64_t times;

	(void)what;
	if (read(fd, &times, sizeof times) < 0)
		return;
	e->armed = false;
	if (has_passed(e)) {
		end_overdue(e);
		return;
	}
	FLEET_EACH_SLOT (e->supervisor, slot)
		if (runs(slot)) {
			arm(e);
			return;
		}
}

struct exclusive *exclusive_new(struct supervisor *s)
{
	struct exclusive *e = must_alloc(sizeof *e);

	*e = (struct exclusive){.supervisor = s};
	e->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	must(e->timer >= 0);
	e->ev_timer = event_new(s->base, e->timer, EV_READ | EV_PERSIST, on_timer, e);
	event_add(e->ev_timer, NULL);
	return e;
}

void exclusive_free(struct exclusive *e)
{
	if (e == NULL)
		return;
	event_free(e->ev_timer);
	close(e->timer);
	free(e);
}

/* -- the deadline -------------------------------------------------------------------------------------- */

static void show_deadline(const struct exclusive *e)
{
	if (e->board)
		scoreboard_set_deadline(e->board, e->deadline_boot_ms);
}

void exclusive_use_board(struct exclusive *e, struct scoreboard *board)
{
	e->board = board;
	show_deadline(e);
}

/*
 * The clock is read after the new deadline stands, and the nursery reads it before it reads that:
 * so whenever it found the old one to have passed, we do too, and give each of its jobs the reason.
 */
void exclusive_confirmed(struct exclusive *e)
{
	int64_t before_boot_ms = e->deadline_boot_ms;

	e->deadline_boot_ms = lease_deadline_boot_ms(e->supervisor->lease);
	show_deadline(e);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (clock_boot_ms() >= before_boot_ms)
		end_overdue(e);
}

/* -- the life of a job --------------------------------------------------------------------------------- */

bool exclusive_may_begin(const struct exclusive *e, const struct slot *slot)
{
	return !is_exclusive(slot) || !has_passed(e);
}

static void tell_nursery(const struct exclusive *e, struct nursery *n)
{
	struct err err;
	int fd = e->board ? scoreboard_fd(e->board) : -1;

	if (fd < 0 || !nursery_is_ready(n))
		return; /* once it stands it is told */
	if (nursery_watch(n, fd, &err) < 0)
		log_event(LOG_ERROR, "exclusive.unwatched", LOG_STR("error", err.text),
			LOG_STR("consequence",
				"should droverd be stopped now, its exclusive jobs run on"));
}

void exclusive_begin(struct exclusive *e, const struct slot *slot)
{
	if (!is_exclusive(slot))
		return;
	tell_nursery(e, e->supervisor->nurseries[slot->child_kind]);
	if (!e->armed)
		arm(e);
}

void exclusive_tell_nursery(struct exclusive *e, struct nursery *n)
{
	FLEET_EACH_SLOT (e->supervisor, slot)
		if (runs(slot)) {
			tell_nursery(e, n);
			return;
		}
}

void exclusive_note_exit(const struct exclusive *e, struct slot *slot)
{
	if (is_exclusive(slot) && slot->ending.reason == END_NONE &&
		slot->ending.signal == SIGKILL && has_passed(e))
		slot->ending.reason = END_EXCLUSIVE;
}
