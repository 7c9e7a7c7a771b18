/*
 * nursery/each: see each.h. The frame around the loop: scoreboard, hooks, plan, collection, and
 * every way out.
 */
#include "nursery/each/each.h"

#include "nursery/each/hook.h"
#include "nursery/each/iterate.h"
#include "nursery/each/tell.h"
#include "nursery/job_socket.h"
#include "nursery/kernel.h"

#include <fcntl.h>

static bool is_set(const struct iteration *i, enum job_each_flag flag)
{
	return (i->m->each.flags & flag) != 0;
}

/* -- hooks ------------------------------------------------------------------------------------- */

static enum each_step say_hook(int ran, const struct err *err)
{
	tell_error(ran < 0 ? "Drover::SpawnFailed" : "Drover::ExitStatus", span_of(err->text));
	return ran < 0 ? EACH_NOT_BEGUN : EACH_FAILED;
}

static enum each_step run_hook(struct iteration *i, enum job_list list)
{
	struct err err;
	int ran = is_set(i, JOB_EACH_PART) ? 0 : hook_run(i->m, list, &err);

	return ran == 0 ? EACH_ON : say_hook(ran, &err);
}

static enum each_step run_first_hook(struct iteration *i)
{
	return run_hook(i, is_set(i, JOB_EACH_FIRST) ? JOB_ON_START : JOB_ON_RESUME);
}

/* It stops anyway. */
static void run_last_hook(struct iteration *i)
{
	struct err err;

	if (!is_set(i, JOB_EACH_PART) && hook_run(i->m, JOB_ON_INTERRUPT, &err) != 0)
		tell_log(err.text);
}

/* -- the plan ---------------------------------------------------------------------------------- */

static bool is_stopped(void *ctx)
{
	return marks_is_stopped(ctx);
}

static enum each_step plan(struct iteration *i)
{
	struct collection_plan plan = {.total = -1};
	struct err err;
	enum told told;
	int made;

	if (!is_set(i, JOB_EACH_PLAN))
		return EACH_ON;
	made = collection_make_plan(
		i->m, i->m->each.bounds, is_stopped, &i->marks, &plan, i->stream, &err);
	if (made < 0)
		return iterate_say_collection(i, &err);
	if (made == 0)
		return EACH_LATER;
	told = tell_plan(plan.total, (struct span){plan.bounds.data, plan.bounds.len});
	text_fini(&plan.bounds);
	if (told == TOLD_GO)
		return EACH_ON;
	/* Parts take its place, and it has nothing to do; or it is told to stop as at any time. */
	return told == TOLD_NOTHING || marks_is_stopped(&i->marks) ? EACH_LATER : EACH_DONE;
}

/* -- from beginning to end --------------------------------------------------------------------- */

static enum each_step go_through(struct iteration *i)
{
	const struct collection_start start = {.cursor = span_of(i->m->cursor),
		.number = i->m->each.number,
		.stream = i->stream,
		.stop = is_stopped,
		.stop_ctx = &i->marks};
	struct err err;
	enum each_step step;

	i->items = collection_open(i->m, &start, &err);
	if (!i->items)
		return iterate_say_collection(i, &err);
	step = iterate(i);
	performer_close(&i->performer);
	collection_close(i->items);
	if (step == EACH_DONE)
		step = run_hook(i, JOB_ON_COMPLETE);
	return step == EACH_ON ? EACH_DONE : step;
}

static enum each_step run(struct iteration *i)
{
	enum each_step step = run_first_hook(i);

	if (step == EACH_ON)
		step = plan(i);
	if (step == EACH_ON)
		step = go_through(i);
	if (step == EACH_LATER)
		run_last_hook(i);
	return step;
}

/* All parts are done, each in a child of its own; this one is the end of the whole. */
static enum each_step complete(const struct job_message *m)
{
	struct err err;
	int ran = hook_run(m, JOB_ON_COMPLETE, &err);

	return ran == 0 ? EACH_DONE : say_hook(ran, &err);
}

static void prepare(struct iteration *i, int scoreboard, const struct function_source *source)
{
	const struct job_message *m = i->m;
	struct err err;

	if (marks_open(&i->marks, scoreboard, &m->each, span_of(m->cursor), &err) != 0 ||
		performer_open(&i->performer, m, source, &err) != 0)
		job_socket_not_started(&err);
	i->pace = (struct pace){.marks = &i->marks, .taken = m->each.number};
}

/* Neither filter, hooks nor what a function starts are to know of the socket. */
_Noreturn void each_run(const struct job_message *m, const int *fds, size_t n_fds,
	const struct function_source *source)
{
	struct iteration i = {.m = m, .stream = n_fds > 1 ? fds[1] : -1};

	fcntl(JOB_FD, F_SETFD, FD_CLOEXEC);
	if (is_set(&i, JOB_EACH_COMPLETE))
		kernel_exit(complete(m));
	prepare(&i, n_fds > 0 ? fds[0] : -1, source);
	kernel_exit(run(&i));
}
