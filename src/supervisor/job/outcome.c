/* outcome: see outcome.h. droverd; pure. */
#include "supervisor/job/outcome.h"
#include "base/units.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_FAILED_FOR_GOOD = 100 };

const char *end_reason_name(enum end_reason reason)
{
	static const char *const NAMES[END_REASONS] = {[END_NONE] = "none",
		[END_TIMEOUT] = "timeout",
		[END_MEMORY] = "memory",
		[END_CPU] = "cpu",
		[END_PROCESSES] = "processes",
		[END_STOP] = "stop",
		[END_OPERATOR] = "operator",
		[END_EXCLUSIVE] = "exclusive",
		[END_CANCEL] = "cancel",
		[END_LOST] = "lease-lost"};

	return NAMES[reason];
}

static const char *signal_name(int signal, char *out, size_t size)
{
	const char *abbreviation = sigabbrev_np(signal);

	snprintf(out, size, "SIG%s", abbreviation ? abbreviation : "?");
	return out;
}

/* How it came to its end, as the last clause of a sentence about a limit. */
static void add_how(struct text *t, const struct ending *e)
{
	char name[16], grace[32];

	if (e->kill_sent && e->term_sent)
		text_addf(t, "; it did not heed SIGTERM for %s and was killed",
			units_say_duration(e->kill_grace_ms, grace));
	else if (e->kill_sent)
		text_add_str(t, "; it was killed");
	else if (e->signal)
		text_addf(t, "; it ended by %s", signal_name(e->signal, name, sizeof name));
	else
		text_addf(t, "; told to end, it exited with status %d", e->exit_code);
}

static void say_timeout(struct text *t, const struct ending *e)
{
	char used[32], limit[32];

	text_addf(t, "ran for %s, timeout is %s", units_say_duration(e->used, used),
		units_format_duration(e->limit, limit));
}

static void say_memory(struct text *t, const struct ending *e)
{
	char used[32], limit[32];

	text_addf(t, "its processes used %s of memory, the limit is %s",
		units_say_size(e->used, used), units_format_size(e->limit, limit));
}

static void say_cpu(struct text *t, const struct ending *e)
{
	char used[32], limit[32];

	text_addf(t, "used %s of CPU time, the limit is %s", units_say_duration(e->used, used),
		units_format_duration(e->limit, limit));
}

static void say_processes(struct text *t, const struct ending *e)
{
	text_addf(t, "ran %lld processes and threads, the limit is %lld", (long long)e->used,
		(long long)e->limit);
}

static const struct {
	const char *exception;
	void (*say)(struct text *, const struct ending *);
} LIMITS[END_REASONS] = {
	[END_TIMEOUT] = {"Drover::Timeout", say_timeout},
	[END_MEMORY] = {"Drover::MemoryLimit", say_memory},
	[END_CPU] = {"Drover::CpuLimit", say_cpu},
	[END_PROCESSES] = {"Drover::ProcessLimit", say_processes},
};

static bool exited_with(const struct ending *e, int code)
{
	return e->signal == 0 && e->exit_code == code;
}

/* A job that is never started twice has no second attempt, whatever its class says. */
static bool may_try_again(const struct ending *e)
{
	return !e->at_most_once && e->attempt <= e->retries;
}

static void fail(struct outcome *out, const char *exception)
{
	out->verdict = VERDICT_FAILED;
	out->exception = exception;
}

static void add_exit(struct text *t, const struct ending *e)
{
	char name[16];

	if (e->signal)
		text_addf(t, "Child process received unhandled signal pid %d %s (signal %d)",
			(int)e->pid, signal_name(e->signal, name, sizeof name), e->signal);
	else
		text_addf(t, "exit status %d", e->exit_code);
}

/* It ended by itself: what it said counts, else how it ended. */
static void decide_failure(struct outcome *out, const struct ending *e)
{
	fail(out, e->signal ? "Resque::DirtyExit" : "Drover::ExitStatus");
	if (e->said_exception.len)
		out->exception = NULL;
	if (e->said_message.len)
		text_add_span(&out->error, e->said_message);
	else
		add_exit(&out->error, e);
	if (e->signal == 0 && e->exit_code == OUTCOME_TRY_LATER && e->said_message.len == 0 &&
		!may_try_again(e))
		text_addf(&out->error, ": asked to be tried later, and its class has %s",
			e->retries > 0 ? "no more retries" : "no retries");
}

/* A plain job that a shutdown cut off. */
static void decide_stopped(struct outcome *out, const struct ending *e)
{
	if (e->at_most_once) {
		fail(out, "Drover::Interrupted");
		text_add_str(
			&out->error, "cut off by a shutdown; at-most-once, so it is not run again");
		add_how(&out->error, e);
		return;
	}
	out->verdict = VERDICT_HEAD;
}

/*
 * It did nothing wrong, and its supervisor lives: no attempt, interruption or recovery. What it had
 * begun was cut off without a word, though, so its next start is told `recovered`.
 */
static void decide_cut_off(struct outcome *out, const struct ending *e)
{
	if (e->at_most_once) {
		fail(out, "Drover::Interrupted");
		text_add_str(&out->error, "cut off, for another supervisor might have started it "
					  "beside this one; at-most-once, so it is not run again");
		return;
	}
	out->verdict = VERDICT_HEAD;
	out->cut_off = true;
	text_add_str(&out->error, "cut off, for its class is exclusive and another supervisor "
				  "might have started it beside this one");
}

static void decide_operator(struct outcome *out, const struct ending *e)
{
	fail(out, "Resque::DirtyExit");
	add_exit(&out->error, e);
	text_add_str(&out->error, "; ended by an operator (USR1)");
}

/* The kernel's own limit, which counts one process: it strikes where a sample was too late. */
static void decide_cpu_of_one_process(struct outcome *out, const struct ending *e)
{
	struct ending by_kernel = *e;

	by_kernel.limit = e->cpu_limit_ms;
	by_kernel.used = outcome_cpu_ms(&e->usage);
	fail(out, "Drover::CpuLimit");
	say_cpu(&out->error, &by_kernel);
	text_add_str(&out->error, "; it was ended by SIGXCPU");
}

int64_t outcome_cpu_ms(const struct rusage *u)
{
	return (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000 +
	       (u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1000;
}

static void decide_cancelled(struct outcome *out, const struct ending *e)
{
	out->verdict = VERDICT_CANCELLED;
	text_add_str(&out->error, "cancelled while it ran");
	add_how(&out->error, e);
}

/* -- iterating jobs ------------------------------------------------------------------------------------ */

/* Ended between two items, because it was told to, or by itself. Exit 75 alone says nothing. */
static bool decide_stopped_between(struct outcome *out, const struct ending *e)
{
	if (e->stop == ITERATION_CANCEL)
		out->verdict = VERDICT_CANCELLED;
	else if (e->stop == ITERATION_PAUSE || e->hold)
		out->verdict = VERDICT_PAUSED;
	else if (e->stop != ITERATION_GO)
		out->verdict = VERDICT_HEAD;
	else if (e->wait_ms >= 0)
		out->verdict = VERDICT_LATER;
	else if (e->slice || e->moved)
		out->verdict = VERDICT_TAIL;
	else
		return false;
	out->waits = out->verdict == VERDICT_LATER;
	return true;
}

/*
 * A death in an item is a try of that item, and nothing of the job's; unless it was to stop: then it goes
 * back, and the item is tried anew. Between two items it is nobody's, where it got further since it began.
 */
static bool decide_death(struct outcome *out, const struct ending *e)
{
	bool by_itself = e->reason == END_NONE || LIMITS[e->reason].exception;

	if (!(e->in_item || e->moved) || e->said_message.len || !by_itself)
		return false;
	if (e->stop == ITERATION_GO) {
		out->again = true;
		return true;
	}
	return decide_stopped_between(out, e);
}

/* Its grace was over in the middle of an item. */
static bool decide_cut_in_item(struct outcome *out, const struct ending *e)
{
	return (e->reason == END_STOP || e->reason == END_CANCEL) && e->stop != ITERATION_GO &&
	       !exited_with(e, EXIT_FAILED_FOR_GOOD) && decide_stopped_between(out, e);
}

/* What cannot be said of a plain job; false: what is said of one holds. */
static bool decide_iteration(struct outcome *out, const struct ending *e)
{
	if (!e->iterates)
		return false;
	if (e->reason == END_NONE && exited_with(e, 0) && e->divides) {
		out->verdict = VERDICT_DIVIDED;
		return true;
	}
	if (exited_with(e, 0))
		return false;
	if (exited_with(e, OUTCOME_TRY_LATER) && LIMITS[e->reason].exception == NULL)
		return decide_stopped_between(out, e);
	return decide_cut_in_item(out, e) ||
	       (e->each && !exited_with(e, EXIT_FAILED_FOR_GOOD) && decide_death(out, e));
}

void outcome_add_death(struct text *out, const struct ending *e)
{
	char name[16];

	if (LIMITS[e->reason].exception) {
		LIMITS[e->reason].say(out, e);
		add_how(out, e);
	} else if (e->signal) {
		text_addf(out, "its process was ended by %s",
			signal_name(e->signal, name, sizeof name));
	} else {
		text_addf(out, "its process exited with status %d", e->exit_code);
	}
}

static void decide(struct outcome *out, const struct ending *e)
{
	if (decide_iteration(out, e))
		return;
	if (LIMITS[e->reason].exception) {
		fail(out, LIMITS[e->reason].exception);
		LIMITS[e->reason].say(&out->error, e);
		add_how(&out->error, e);
	} else if (exited_with(e, 0)) {
		return;
	} else if (e->signal == SIGXCPU) {
		decide_cpu_of_one_process(out, e);
	} else if (e->reason == END_CANCEL) {
		decide_cancelled(out, e);
	} else if (e->reason == END_STOP && !exited_with(e, EXIT_FAILED_FOR_GOOD)) {
		decide_stopped(out, e);
	} else if (e->reason == END_EXCLUSIVE && e->signal == SIGKILL) {
		decide_cut_off(out, e);
	} else if (e->reason == END_OPERATOR) {
		decide_operator(out, e);
	} else {
		decide_failure(out, e);
	}
}

/* A failure is for good where the job said so, or where no attempt is left. */
void outcome_decide(struct outcome *out, const struct ending *e)
{
	bool for_good = e->reason == END_STOP || (LIMITS[e->reason].exception == NULL &&
							 exited_with(e, EXIT_FAILED_FOR_GOOD));

	*out = (struct outcome){.verdict = VERDICT_DONE};
	decide(out, e);
	if (out->verdict == VERDICT_FAILED && !for_good && may_try_again(e))
		out->verdict = VERDICT_LATER;
}
