/*
 * slot_iterate: the side of a slot that knows of items (slot.h). droverd. What the child of an iterating
 * job is told, how it is stopped between two items, and how long one item may take. It never changes the
 * slot's state but by events of the table.
 */
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/job/slot.h"
#include "wire/job_line.h"

#include <stdlib.h>
#include <unistd.h>

/* Counted against what is granted, which is nothing at first where there is a rate. */
static void put_orders(struct slot *s)
{
	struct iteration *it = &s->iteration;
	struct job_each *each = &s->each->source.each;
	struct scoreboard_orders orders;

	s->ops->grant(s->ctx, s);
	it->wait_ms = -1;
	it->slice = it->hold = it->divides = false;
	it->started_number = it->number;
	if (s->stop_asked && it->stop == ITERATION_GO)
		it->stop = ITERATION_STOP;
	orders = (struct scoreboard_orders){.stop = s->stop_asked ? SCOREBOARD_STOP : SCOREBOARD_GO,
		.end = it->end,
		.granted = it->granted};
	each->generation =
		scoreboard_iterates(s->place, job_run(s->job), job_part(s->job), &orders);
	each->record = s->number;
	iteration_message_refresh(s->each, it);
}

/* With what only it needs to have: its record of the board, and where its collection comes from. */
void slot_give_message(struct slot *s)
{
	struct text message = {0};
	struct span cursor = {NULL, 0};
	int fds[2], n = 0;

	if (s->each) {
		put_orders(s);
		fds[n++] = s->ops->board_fd(s->ctx);
		if (s->each->streams && (fds[n] = s->ops->open_stream(s->ctx, s)) >= 0)
			n++;
	}
	if (s->iteration.cursor.len > 0)
		cursor = (struct span){s->iteration.cursor.data, s->iteration.cursor.len};
	job_add_message(&message, s->job, s->lease, cursor, s->each ? &s->each->source : NULL);
	s->ops->begins(s->ctx, s);
	CRASH_POINT("job.begin");
	child_give_job(&s->child, &message, fds, fds[0] < 0 ? 0 : n);
	CRASH_POINT("job.given");
	if (n > 1)
		close(fds[1]);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

static int64_t at_least_0(int64_t ms)
{
	return ms < 0 ? 0 : ms;
}

/* How long this item may go on: its timeout, or what is left of the patience of a stop; -1: no end. */
static int64_t patience_ms(const struct slot *s, int64_t since_mono_ms)
{
	int64_t now = clock_mono_ms(), timeout = s->job->class->conf->timeout_ms;
	int64_t item = -1, stop = -1;

	if (timeout >= 0)
		item = since_mono_ms < 0 ? timeout : at_least_0(since_mono_ms + timeout - now);
	if (s->iteration.stop != ITERATION_GO && s->iteration.stop_by_mono_ms >= 0)
		stop = at_least_0(s->iteration.stop_by_mono_ms - now);
	return sooner(item, stop);
}

static int64_t in_hand_since(const struct slot *s)
{
	struct scoreboard_begun begun;

	if (s->iteration.cursors)
		return s->item_mono_ms;
	return scoreboard_begun(s->place, &begun) ? iteration_in_hand_since(&s->iteration, &begun)
						  : -1;
}

/* Timeout is for one item, and the board says when it was begun. */
void slot_look_at_item(struct slot *s)
{
	int64_t since, left;

	iteration_look(&s->iteration, s->place);
	since = in_hand_since(s);
	left = patience_ms(s, since);
	if (left != 0) {
		slot_set_timer(s, left);
	} else if (s->iteration.stop != ITERATION_GO) {
		slot_end(s, s->iteration.stop == ITERATION_CANCEL ? END_CANCEL : END_STOP, false);
	} else {
		s->ending.limit = s->job->class->conf->timeout_ms;
		s->ending.used = clock_mono_ms() - since;
		slot_end(s, END_TIMEOUT, false);
	}
}

void slot_item_begins(struct slot *s)
{
	s->item_mono_ms = clock_mono_ms();
	if (s->state == SLOT_RUNNING)
		slot_look_at_item(s);
}

bool slot_iterates(const struct slot *s)
{
	return s->job && s->iteration.on;
}

void slot_stop(struct slot *s, enum iteration_stop why)
{
	struct iteration *it = &s->iteration;

	s->stop_asked = true;
	if (s->job == NULL)
		return;
	if (why <= it->stop)
		return;
	it->stop = why;
	if (!slot_iterates(s) || s->state != SLOT_RUNNING)
		return;
	log_event(LOG_INFO, "job.stopping", LOG_SPAN("jid", s->job->jid),
		LOG_STR("worker", s->worker_id), LOG_STR("why", iteration_stop_name(why)));
	it->stop_by_mono_ms = s->stop_grace_ms < 0 ? -1 : clock_mono_ms() + s->stop_grace_ms;
	scoreboard_stop(s->place);
	if (it->stop_by_mono_ms >= 0)
		slot_look_at_item(s);
}

void slot_answer(struct slot *s)
{
	CRASH_POINT("aside.kept");
	s->iteration.aside.number = 0;
	child_say(&s->child, s->stop_asked ? JOB_STOP : JOB_GO);
}

/* It can be begun, and what its child is told; or why not. */
static bool prepare_each(struct slot *s)
{
	struct err err;

	if (!job_is_each(s->job))
		return true;
	s->each = must_alloc(sizeof *s->each);
	if (iteration_message_init(s->each, &s->iteration, s->job, &err) == 0)
		return true;
	text_add_str(&s->iteration.trouble, err.text);
	return false;
}

void slot_read_start(struct slot *s, struct span answer)
{
	struct iteration *it = &s->iteration;

	if (s->state != SLOT_STARTING)
		return;
	iteration_read_start(it, s->job, answer);
	if (it->on && (it->divided.len > 0 || iteration_is_to_divide(it, s->job)))
		slot_handle(s, SLOT_EV_DIVIDED);
	else if (it->stuck > s->job->class->conf->max_recoveries || !prepare_each(s))
		slot_handle(s, SLOT_EV_BAD);
	else
		slot_handle(s, SLOT_EV_GO);
}

void slot_forget_iteration(struct slot *s)
{
	if (s->each)
		each_message_fini(s->each);
	free(s->each);
	s->each = NULL;
	s->ops->close_stream(s->ctx, s);
	if (s->iteration.on)
		scoreboard_job_over(s->place);
	iteration_fini(&s->iteration);
}
