/*
 * slot: see slot.h. droverd. The state table of a worker's life and its short actions; what a
 * verdict looks like is in verdict.c, what a job's lines mean in said.c.
 */
#include "supervisor/job/slot.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/job/said.h"
#include "supervisor/job/verdict.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
	SPAWN_DELAY_FIRST_MS = 50,
	SPAWN_DELAY_MAX_MS = 16000,
	NEVER_DIES_MS = 30000,
	ASK_AGAIN_MS = 2000,
	SPAWN_OVERDUE_MS = 10000,
	FIRST_SAMPLE_MS = 100
};

void slot_set_timer(struct slot *s, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_del(&s->timer);
	if (ms >= 0)
		evtimer_add(&s->timer, &tv);
}

/* -- actions, in the order of a job's life ---------------------------------------------------------- */

/* Whatever becomes of the answer: asking again is harmless. */
static void ask_start(struct slot *s)
{
	s->ops->ask_start(s->ctx, s);
	slot_set_timer(s, ASK_AGAIN_MS);
}

static bool spare_fits(const struct slot *s)
{
	const struct class_settings *class = s->job->class;

	return !s->child.dismissed && s->child_kind == class->nursery &&
	       (s->child_class == NULL || s->child_class == class);
}

static void launch(struct slot *s)
{
	event_del(&s->timer);
	if (s->child.state != CHILD_NONE && !spare_fits(s)) {
		child_dismiss(&s->child); /* its exit brings us here again */
		return;
	}
	if (!s->ops->may_begin(s->ctx, s)) {
		slot_handle(s, SLOT_EV_END);
		return;
	}
	if (s->child.state == CHILD_IDLE)
		slot_handle(s, SLOT_EV_FITS);
	else if (s->child.state == CHILD_NONE)
		s->ops->spawn(s->ctx, s, s->job->class->nursery);
	if (s->child.state == CHILD_SPAWNING)
		slot_set_timer(s, SPAWN_OVERDUE_MS);
}

/* The delay after a failed spawn is over; or a nursery takes too long, and is stuck. */
static void launch_again(struct slot *s)
{
	if (s->child.state != CHILD_SPAWNING) {
		launch(s);
		return;
	}
	s->ops->spawn_overdue(s->ctx, s);
	slot_set_timer(s, SPAWN_OVERDUE_MS);
}

static void log_start(const struct slot *s)
{
	const struct job *j = s->job;

	log_event(LOG_INFO, "job.start", LOG_SPAN("jid", j->jid),
		LOG_SPAN("class", job_class_name(j)), LOG_SPAN("queue", j->entry.queue),
		LOG_STR("worker", s->worker_id), LOG_NUM("pid", s->child.pid),
		LOG_NUM("attempt", j->envelope.attempt), LOG_STR("origin", job_origin(j)));
}

/* Past its item, or with what it is told of how the last try ended. */
static void go_on_in_item(struct slot *s)
{
	struct iteration *it = &s->iteration;
	bool in_item = it->item > 0;

	if (in_item || it->number > it->started_number)
		it->first = false; /* on_start is behind us */
	log_event(LOG_WARN, in_item ? "job.item_tried" : "job.child_lost",
		LOG_SPAN("jid", s->job->jid), LOG_SPAN("class", job_class_name(s->job)),
		LOG_STR("worker", s->worker_id),
		in_item ? LOG_NUM("item", it->item) : LOG_NUM("behind", it->number),
		in_item ? LOG_NUM("tries", it->tries) : LOG_NOTHING,
		LOG_STR("error", it->died.data ? it->died.data : ""));
	s->ops->close_stream(s->ctx, s);
	scoreboard_gone(s->place);
	s->said.warned = false;
	launch(s);
}

/* -- a job is given, and ended -------------------------------------------------------------------------- */

static void give_job(struct slot *s)
{
	const struct conf_class *class = s->job->class->conf;

	s->spawn_delay_ms = 0;
	s->child_class = class->reuse > 1 ? s->job->class : NULL;
	s->child_final = s->child_final || !s->ops->is_current(s->ctx, s->job->settings);
	s->child_jobs++;
	s->ending = (struct ending){.spawned = true,
		.pid = s->child.pid,
		.at_most_once = class->at_most_once,
		.attempt = s->job->envelope.attempt,
		.retries = class->retries,
		.cpu_limit_ms = class->cpu_ms};
	s->started_mono_us = clock_mono_us();
	s->item_mono_ms = s->started_mono_us / 1000;
	s->marks = false;
	s->next_pss_mono_ms = 0;
	s->next_sample_mono_ms = s->started_mono_us / 1000 + FIRST_SAMPLE_MS;
	log_start(s);
	s->ops->set_limits(s->ctx, s);
	scoreboard_given(s->place, span_of(s->job->token), s->job->jid, class->exclusive);
	slot_set_timer(s, class->timeout_ms);
	slot_give_message(s);
}

/* With growing delays, half a minute in all. */
static void spawn_later(struct slot *s)
{
	s->spawn_delay_ms = s->spawn_delay_ms ? 2 * s->spawn_delay_ms : SPAWN_DELAY_FIRST_MS;
	if (s->spawn_delay_ms > SPAWN_DELAY_MAX_MS) {
		s->spawn_delay_ms = 0;
		slot_handle(s, SLOT_EV_GIVE_UP);
		return;
	}
	slot_set_timer(s, s->spawn_delay_ms);
}

static void send_term(struct slot *s)
{
	s->ending.term_sent = true;
	child_signal_group(&s->child, SIGTERM);
	child_signal_group(&s->child, SIGCONT);
	slot_set_timer(s, s->kill_grace_ms);
}

static void send_kill(struct slot *s)
{
	s->ending.kill_sent = true;
	child_signal_group(&s->child, SIGKILL);
	s->ops->kill_tree(s->ctx, s);
	slot_set_timer(s, NEVER_DIES_MS);
}

static void run_out_of_time(struct slot *s)
{
	if (slot_iterates(s)) {
		slot_look_at_item(s);
		return;
	}
	s->ending.limit = s->job->class->conf->timeout_ms;
	s->ending.used = (clock_mono_us() - s->started_mono_us) / 1000;
	slot_end(s, END_TIMEOUT, false);
}

static void say_never_dies(struct slot *s)
{
	log_event(LOG_ERROR, "job.never_dies", LOG_SPAN("jid", s->job->jid),
		LOG_NUM("pid", s->child.pid), LOG_STR("worker", s->worker_id),
		LOG_STR("error",
			"it was sent SIGKILL and has not ended: it hangs in the kernel; its worker "
			"stays taken"));
	slot_set_timer(s, 10 * NEVER_DIES_MS);
}

/* Nothing of it lives any more: is it over? */
void slot_cleared(struct slot *s)
{
	slot_handle(s, verdict_goes_on(s) ? SLOT_EV_AGAIN : SLOT_EV_CLEARED);
}

static void clear(struct slot *s)
{
	event_del(&s->timer);
	s->ending.wall_ms = (clock_mono_us() - s->started_mono_us) / 1000;
	s->ending.kill_grace_ms = s->kill_grace_ms;
	if (s->ops->clear(s->ctx, s))
		slot_cleared(s);
}

/* The scoreboard named it until now: what it left could be found by that, were we gone or stopped. */
static void judge(struct slot *s)
{
	scoreboard_gone(s->place);
	verdict_send(s);
}

static void forget_job(struct slot *s)
{
	slot_forget_iteration(s);
	job_free(s->job);
	s->job = NULL;
	s->mark_due = s->record_due = s->marks = false;
	s->stop_asked = s->retiring; /* its next one, if it gets one, stops early, too */
	s->start_due = false;
	output_fini(&s->output);
	said_fini(&s->said);
	event_del(&s->timer);
}

/* A job that ended while its child lives on for the next one of its class. */
static void judge_in_child(struct slot *s)
{
	const struct class_settings *class = s->job->class;
	int64_t wall_us = clock_mono_us() - s->started_mono_us;

	event_del(&s->timer);
	if (!s->child_final)
		ahead_learn(&s->ahead, class, wall_us);
	s->ending.wall_ms = wall_us / 1000;
	s->ending.exit_code = s->said.done_status;
	child_job_done(&s->child);
	scoreboard_job_over(s->place);
	if (s->child_jobs >= class->conf->reuse || s->child_final)
		child_dismiss(&s->child);
	verdict_send(s);
}

/* The verdict is on its way and stays in the outbox; this slot need not wait for it. */
static void judge_and_go_on(struct slot *s)
{
	judge_in_child(s);
	forget_job(s);
	slot_take(s, ahead_take(&s->ahead));
}

/* Told to end, it says that it is done: what it says counts, and it is given nothing more. */
static void note_done(struct slot *s)
{
	child_dismiss(&s->child);
}

static void drop_job(struct slot *s)
{
	struct job *next;

	forget_job(s);
	next = ahead_take(&s->ahead);
	if (next)
		slot_take(s, next);
	else
		s->ops->freed(s->ctx, s);
}

static void nothing(struct slot *s)
{
	(void)s;
}

/* -- the table -------------------------------------------------------------------------------------- */

struct transition {
	void (*action)(struct slot *); /* NULL: this event cannot come in this state */
	enum slot_state next;	       /* set before the action runs */
};

static const struct transition TABLE[SLOT_STATES][SLOT_EVENTS] =
	{
		[SLOT_FREE] =
			{
				[SLOT_EV_BAD] = {verdict_send_bad, SLOT_VERDICT},
				[SLOT_EV_CANCELLED] = {verdict_send_cancelled, SLOT_VERDICT},
				[SLOT_EV_ASK] = {ask_start, SLOT_STARTING},
				[SLOT_EV_PLAIN] = {launch, SLOT_LAUNCHING},
				[SLOT_EV_READY] = {nothing, SLOT_FREE},
				[SLOT_EV_NO_CHILD] = {nothing, SLOT_FREE},
				[SLOT_EV_DONE] = {nothing, SLOT_FREE},
				[SLOT_EV_EXITED] = {nothing, SLOT_FREE},
				[SLOT_EV_END] = {nothing, SLOT_FREE},
				[SLOT_EV_KILL] = {nothing, SLOT_FREE},
				[SLOT_EV_GO] = {nothing, SLOT_FREE},
				[SLOT_EV_STALE] = {nothing, SLOT_FREE},
			},
		[SLOT_STARTING] =
			{
				[SLOT_EV_GO] = {launch, SLOT_LAUNCHING},
				[SLOT_EV_STALE] = {drop_job, SLOT_FREE},
				[SLOT_EV_CANCELLED] = {verdict_send_cancelled, SLOT_VERDICT},
				[SLOT_EV_DUPLICATE] = {verdict_send_duplicate, SLOT_VERDICT},
				[SLOT_EV_DIVIDED] = {verdict_send_divided, SLOT_VERDICT},
				[SLOT_EV_BAD] = {verdict_send_bad, SLOT_VERDICT},
				[SLOT_EV_TIMER] = {ask_start, SLOT_STARTING},
				[SLOT_EV_END] = {verdict_send_back, SLOT_VERDICT},
				[SLOT_EV_KILL] = {verdict_send_back, SLOT_VERDICT},
				[SLOT_EV_READY] = {nothing, SLOT_STARTING},
				[SLOT_EV_NO_CHILD] = {nothing, SLOT_STARTING},
				[SLOT_EV_EXITED] = {nothing, SLOT_STARTING},
				[SLOT_EV_DONE] = {nothing, SLOT_STARTING},
			},
		[SLOT_LAUNCHING] =
			{
				[SLOT_EV_READY] = {launch, SLOT_LAUNCHING},
				[SLOT_EV_FITS] = {give_job, SLOT_RUNNING},
				[SLOT_EV_NO_CHILD] = {spawn_later, SLOT_LAUNCHING},
				[SLOT_EV_GIVE_UP] = {verdict_send_later, SLOT_VERDICT},
				[SLOT_EV_TIMER] = {launch_again, SLOT_LAUNCHING},
				[SLOT_EV_EXITED] =
					{launch, SLOT_LAUNCHING}, /* a spare that did not fit, or died */
				[SLOT_EV_END] = {verdict_send_back, SLOT_VERDICT},
				[SLOT_EV_KILL] = {verdict_send_back, SLOT_VERDICT},
				[SLOT_EV_DONE] = {nothing, SLOT_LAUNCHING},
			},
		[SLOT_RUNNING] =
			{
				[SLOT_EV_EXITED] = {clear, SLOT_CLEARING},
				[SLOT_EV_DONE] = {judge_in_child, SLOT_VERDICT},
				[SLOT_EV_DONE_NEXT] = {judge_and_go_on, SLOT_FREE},
				[SLOT_EV_END] = {send_term, SLOT_ENDING},
				[SLOT_EV_KILL] = {send_kill, SLOT_KILLED},
				[SLOT_EV_TIMER] = {run_out_of_time, SLOT_RUNNING},
			},
		[SLOT_ENDING] =
			{
				[SLOT_EV_EXITED] = {clear, SLOT_CLEARING},
				[SLOT_EV_DONE] = {note_done, SLOT_ENDING},
				[SLOT_EV_END] = {nothing, SLOT_ENDING},
				[SLOT_EV_KILL] = {send_kill, SLOT_KILLED},
				[SLOT_EV_TIMER] = {send_kill, SLOT_KILLED},
			},
		[SLOT_KILLED] =
			{
				[SLOT_EV_EXITED] = {clear, SLOT_CLEARING},
				[SLOT_EV_DONE] = {nothing, SLOT_KILLED},
				[SLOT_EV_END] = {nothing, SLOT_KILLED},
				[SLOT_EV_KILL] = {nothing, SLOT_KILLED},
				[SLOT_EV_TIMER] = {say_never_dies, SLOT_KILLED},
			},
		[SLOT_CLEARING] =
			{
				[SLOT_EV_CLEARED] = {judge, SLOT_VERDICT},
				[SLOT_EV_AGAIN] = {go_on_in_item, SLOT_LAUNCHING},
				[SLOT_EV_END] = {nothing, SLOT_CLEARING},
				[SLOT_EV_KILL] = {nothing, SLOT_CLEARING},
			},
		[SLOT_VERDICT] =
			{
				[SLOT_EV_CONFIRMED] = {drop_job, SLOT_FREE},
				[SLOT_EV_READY] = {nothing, SLOT_VERDICT},
				[SLOT_EV_NO_CHILD] = {nothing, SLOT_VERDICT},
				[SLOT_EV_EXITED] = {nothing, SLOT_VERDICT},
				[SLOT_EV_DONE] = {nothing, SLOT_VERDICT},
				[SLOT_EV_END] = {nothing, SLOT_VERDICT},
				[SLOT_EV_KILL] = {nothing, SLOT_VERDICT},
				[SLOT_EV_GO] = {nothing, SLOT_VERDICT},
				[SLOT_EV_STALE] = {nothing, SLOT_VERDICT},
				[SLOT_EV_TIMER] = {nothing, SLOT_VERDICT},
			},
};

void slot_handle(struct slot *s, enum slot_event event)
{
	const struct transition *t = &TABLE[s->state][event];

	must(t->action != NULL);
	s->state = t->next;
	t->action(s);
}

const char *slot_state_name(enum slot_state state)
{
	static const char *const NAMES[SLOT_STATES] = {[SLOT_FREE] = "free",
		[SLOT_STARTING] = "starting",
		[SLOT_LAUNCHING] = "launching",
		[SLOT_RUNNING] = "running",
		[SLOT_ENDING] = "ending",
		[SLOT_KILLED] = "killed",
		[SLOT_CLEARING] = "clearing",
		[SLOT_VERDICT] = "verdict"};

	return NAMES[state];
}

/* -- what comes from outside ------------------------------------------------------------------------ */

void slot_take(struct slot *s, struct job *job)
{
	must(s->state == SLOT_FREE && s->job == NULL);
	s->job = job;
	s->stop_asked = false;
	s->ending = (struct ending){0};
	s->said.progress_total = s->said.delay_ms = -1;
	s->output.keeps = job_is_tracked(job);
	if (job->class == NULL || job_is_worn_out(job))
		slot_handle(s, SLOT_EV_BAD);
	else if (job_wants_start(job)) /* the answer tells what Redis knows of it now */
		slot_handle(s, SLOT_EV_ASK);
	else
		slot_handle(s,
			s->ops->is_cancelled(s->ctx, job->jid) ? SLOT_EV_CANCELLED : SLOT_EV_PLAIN);
}

void slot_end(struct slot *s, enum end_reason reason, bool at_once)
{
	if (s->ending.reason == END_NONE || reason == END_LOST)
		s->ending.reason = reason;
	slot_handle(s, at_once ? SLOT_EV_KILL : SLOT_EV_END);
}

void slot_drop_ahead(struct slot *s)
{
	struct job *job;

	while ((job = ahead_take(&s->ahead)) != NULL)
		job_free(job);
}

bool slot_take_ahead(struct slot *s, struct job *job)
{
	if (job->class == NULL || job->class != s->ahead.class || job_wants_start(job) ||
		job_is_worn_out(job) || s->ops->is_cancelled(s->ctx, job->jid))
		return false;
	ahead_add(&s->ahead, job, clock_mono_ms());
	return true;
}

void slot_return_ahead(struct slot *s)
{
	struct job *job;

	while ((job = ahead_take(&s->ahead)) != NULL)
		s->ops->give_back(s->ctx, s, job);
}

void slot_dismiss_spare(struct slot *s)
{
	if (s->child.state == CHILD_IDLE || s->child.state == CHILD_SPAWNING)
		child_dismiss(&s->child);
}

bool slot_is_busy(const struct slot *s)
{
	return s->state != SLOT_FREE && s->state != SLOT_VERDICT;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	slot_handle(arg, SLOT_EV_TIMER);
}

/* -- what comes from the child ---------------------------------------------------------------------- */

static void child_said_hello(void *owner)
{
	struct slot *s = owner;

	CRASH_POINT("hello.seen");
	s->leaf_failures = 0;
	s->child_class = NULL;
	s->child_final = false;
	s->child_jobs = 0;
	scoreboard_hello(s->place, s->child.pid);
	s->ops->child_known(s->ctx, s->child.pid, true);
	slot_handle(s, SLOT_EV_READY);
	s->ops->spawn_answered(s->ctx);
}

static void child_failed(void *owner, const struct err *why)
{
	struct slot *s = owner;

	s->leaf_failures++;
	log_event(LOG_WARN, "spawn.failed", LOG_STR("worker", s->worker_id),
		LOG_STR("error", why->text));
	slot_handle(s, SLOT_EV_NO_CHILD);
	s->ops->spawn_answered(s->ctx);
}

static void child_said_line(void *owner, struct span line)
{
	struct slot *s = owner;

	if (s->job && said_read_line(s, line))
		slot_handle(s, s->state == SLOT_RUNNING && s->ahead.first ? SLOT_EV_DONE_NEXT
									  : SLOT_EV_DONE);
}

static void child_printed(void *owner, struct span bytes)
{
	struct slot *s = owner;

	if (s->job && s->job->class)
		output_add(&s->output, bytes, (size_t)s->job->class->conf->keep_output_bytes,
			s->job->jid, clock_mono_ms());
}

static void child_exited(void *owner, const struct child_exit *exit)
{
	struct slot *s = owner;
	bool had_job =
		s->state == SLOT_RUNNING || s->state == SLOT_ENDING || s->state == SLOT_KILLED;

	s->child_class = NULL;
	CRASH_POINT("exit.seen");
	if (!had_job)
		scoreboard_gone(s->place); /* a spare; of a job it tells until that is cleared */
	s->ops->child_known(s->ctx, exit->pid, false);
	s->ending.exit_code = s->said.done ? s->said.done_status : exit->code;
	s->ending.signal = s->said.done ? 0 : exit->signal;
	s->ending.usage = exit->usage;
	if (had_job) /* else the board still shows the one before */
		iteration_look(&s->iteration, s->place);
	if (had_job && s->each)
		s->ops->note_end(s->ctx, s);
	slot_handle(s, SLOT_EV_EXITED);
}

static const struct child_events CHILD_EVENTS = {
	.hello = child_said_hello,
	.failed = child_failed,
	.line = child_said_line,
	.output = child_printed,
	.exited = child_exited,
};

struct slot *slot_new(struct event_base *base, unsigned number, const char *worker_id,
	const char *lease, const struct slot_ops *ops, void *ctx)
{
	struct slot *s = must_alloc(sizeof *s);

	*s = (struct slot){.number = number,
		.worker_id = must_strdup(worker_id),
		.lease = lease,
		.base = base,
		.ops = ops,
		.ctx = ctx};
	ahead_init(&s->ahead);
	iteration_fini(&s->iteration);
	evtimer_assign(&s->timer, base, on_timer, s);
	child_init(&s->child, base, &CHILD_EVENTS, s);
	return s;
}

void slot_discard(struct slot *s)
{
	child_close(&s->child);
	slot_drop_ahead(s);
	slot_forget_iteration(s);
	job_free(s->job);
	output_fini(&s->output);
	said_fini(&s->said);
	event_del(&s->timer);
	free(s->worker_id);
	free(s);
}

void slot_free(struct slot *s)
{
	must(s->state == SLOT_FREE && s->child.state == CHILD_NONE);
	slot_discard(s);
}
