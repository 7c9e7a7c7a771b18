/* nursery/each/iterate: see iterate.h. What costs anything is kept out of the way of one item. */
#include "nursery/each/iterate.h"

#include "base/backoff.h"
#include "base/crash.h"
#include "base/random.h"
#include "nursery/each/hook.h"
#include "nursery/each/tell.h"
#include "nursery/each/trace.h"

#include <stdio.h>
#include <string.h>

enum { THROTTLE_EVERY_MS = 1000 };

/* -- what an item is worth --------------------------------------------------------------------- */

static int64_t count_of(const struct collection_item *item)
{
	return item->last - item->number + 1;
}

static enum each_step step_of(enum told told)
{
	return told == TOLD_GO ? EACH_ON : EACH_LATER;
}

static void pass(
	struct iteration *i, const struct collection_item *item, int64_t done, int64_t errors)
{
	marks_pass(&i->marks, item->last, i->marks.done + done, i->marks.errors + errors,
		collection_cursor(i->items));
}

/* One that was set aside before leaves the list first: its mark must not be ahead of that. */
static enum each_step succeed(struct iteration *i, const struct collection_item *item)
{
	enum told told = TOLD_GO;

	if (i->m->each.flags & JOB_EACH_RETRY) {
		marks_rest(&i->marks);
		told = tell_healed(item->number);
		if (told == TOLD_NOTHING)
			return EACH_LATER;
	}
	pass(i, item, count_of(item), 0);
	return step_of(told);
}

/* -- items that failed ------------------------------------------------------------------------- */

struct failure {
	const struct collection_item *item;
	struct span error;
	int64_t attempts;
};

/* "item 42: boom (attempts 3)" */
static void add_sentence(struct text *out, const struct failure *f)
{
	text_addf(out, "item %lld: ", (long long)f->item->number);
	text_add_span(out, f->error);
	text_addf(out, " (attempts %lld)", (long long)f->attempts);
}

static enum each_step refuse(const struct failure *f, const char *because)
{
	struct text why = {0};

	add_sentence(&why, f);
	text_add_str(&why, because);
	tell_error("Drover::ItemErrors", (struct span){why.data, why.len});
	text_fini(&why);
	return EACH_FOR_GOOD;
}

static enum each_step hold(const struct failure *f)
{
	struct text why = {0};

	add_sentence(&why, f);
	tell_hold((struct span){why.data, why.len});
	text_fini(&why);
	return EACH_LATER;
}

/* In a further round over such items the list has it already, and it is no new error. */
static enum each_step set_aside(struct iteration *i, const struct failure *f)
{
	const struct tell_aside aside = {
		.number = f->item->number,
		.item = f->item->text,
		.cursor_before = collection_cursor_before(i->items),
		.error = f->error,
		.attempts = f->attempts,
		.count = count_of(f->item),
		.part = f->item->unfit != NULL,
	};
	int64_t errors = i->m->each.flags & JOB_EACH_RETRY ? 0 : count_of(f->item);
	enum told told = tell_aside(&aside);

	if (told == TOLD_NOTHING)
		return EACH_LATER;
	i->errors += errors;
	pass(i, f->item, 0, errors);
	if (trace_is_wanted(i->m))
		trace_item(f->item, JOB_ITEM_ASIDE, f->attempts);
	return step_of(told);
}

static bool are_too_many(const struct iteration *i, const struct failure *f)
{
	const struct job_each *e = &i->m->each;

	return i->errors + count_of(f->item) > e->max_item_errors - e->run_errors;
}

static enum each_step fail(struct iteration *i, const struct collection_item *item,
	struct span error, int64_t attempts)
{
	const struct failure f = {item, error, attempts};
	const struct job_each *e = &i->m->each;
	char because[80];

	marks_rest(&i->marks);
	if (e->flags & JOB_EACH_RETRY)
		return set_aside(i, &f);
	if (e->on_item_error == JOB_ITEM_PAUSE)
		return hold(&f);
	if (e->on_item_error == JOB_ITEM_STOP)
		return refuse(&f, "");
	if (!are_too_many(i, &f))
		return set_aside(i, &f);
	snprintf(because, sizeof because, "; more than %lld items failed (max_item_errors)",
		(long long)e->max_item_errors);
	return refuse(&f, because);
}

/* -- one item ---------------------------------------------------------------------------------- */

/* Of a death nobody can say that it was the item's fault: it is always tried once more. */
static int64_t retries_after_death(const struct job_each *e)
{
	return e->item_retries > 1 ? e->item_retries : 1;
}

static enum each_step wait_before_retry(
	struct iteration *i, const struct collection_item *item, uint32_t tried)
{
	const struct job_backoff *b = &i->m->each.item_backoff;
	const struct backoff backoff = {
		b->first_ms, b->max_ms, b->factor, b->linear, b->full_jitter};
	int64_t ms = backoff_delay_ms(&backoff, tried, b->full_jitter ? random_fraction() : 0);
	const struct failure f = {item, {i->performer.why.data, i->performer.why.len}, tried};
	struct text why = {0};
	enum each_step step;

	marks_rest(&i->marks);
	add_sentence(&why, &f);
	step = pace_wait(&i->pace, JOB_WAIT_BACKOFF, ms, (struct span){why.data, why.len});
	text_fini(&why);
	if (step == EACH_ON)
		pace_go_on(&i->pace);
	i->now_ms = pace_now_ms();
	return step;
}

static enum each_step say_not_begun(const struct iteration *i)
{
	tell_error(
		"Drover::SpawnFailed", (struct span){i->performer.why.data, i->performer.why.len});
	return EACH_NOT_BEGUN;
}

/* After a try that was no success; `*again`: there is to be another one. */
static enum each_step decide(struct iteration *i, const struct collection_item *item,
	enum performed performed, uint32_t tries, bool *again)
{
	const struct job_each *e = &i->m->each;
	struct span why = {i->performer.why.data, i->performer.why.len};
	int64_t retries = 0;

	*again = false;
	switch (performed) {
	case PERFORMED_INTERRUPTED:
		marks_take_back(&i->marks, tries - 1);
		return EACH_LATER;
	case PERFORMED_NOT_BEGUN:
		marks_take_back(&i->marks, tries - 1);
		return say_not_begun(i);
	case PERFORMED_ABORT:
		marks_rest(&i->marks);
		return refuse(&(struct failure){item, why, tries}, "");
	case PERFORMED_RETRY:
		retries = e->item_retries;
		break;
	case PERFORMED_DIED:
		retries = retries_after_death(e);
		break;
	case PERFORMED_FAIL:
	case PERFORMED:
		break;
	}
	if (tries > retries)
		return fail(i, item, why, tries);
	*again = true;
	return wait_before_retry(i, item, tries);
}

/* By a child before this one. */
static uint32_t tries_before(const struct iteration *i, const struct collection_item *item)
{
	const struct job_each *e = &i->m->each;

	return e->tried_number >= item->number && e->tried_number <= item->last && e->tries > 0
		       ? (uint32_t)e->tries
		       : 0;
}

static enum performed perform_once(
	struct iteration *i, const struct collection_item *item, uint32_t tries)
{
	enum performed performed;

	if (!trace_is_wanted(i->m))
		return performer_perform(&i->performer, item);
	trace_item(item, JOB_ITEM_BEGUN, tries);
	performed = performer_perform(&i->performer, item);
	trace_end(item, performed, tries, &i->performer);
	return performed;
}

static enum each_step perform(struct iteration *i, const struct collection_item *item)
{
	uint32_t tries = tries_before(i, item);
	enum performed performed;
	enum each_step step = EACH_ON;
	bool again = true;

	if (item->unfit)
		return fail(i, item, span_of(item->unfit), tries);
	if (tries > retries_after_death(&i->m->each))
		return fail(i, item,
			span_of(i->m->died ? i->m->died : "it was tried too often before"), tries);
	i->used += count_of(item);
	while (again && step == EACH_ON) {
		marks_begin(&i->marks, item->number, ++tries, i->now_ms, i->used);
		CRASH_POINT("child.item");
		performed = perform_once(i, item, tries);
		CRASH_POINT("child.performed");
		if (performed == PERFORMED)
			return succeed(i, item);
		step = decide(i, item, performed, tries, &again);
	}
	return step;
}

/* -- whether it may begin ---------------------------------------------------------------------- */

static enum each_step ask_throttle(struct iteration *i)
{
	struct text why = {0};
	struct err err;
	enum each_step step = EACH_ON;
	int answer;

	do {
		answer = hook_ask_throttle(i->m, &i->marks, &why, &err);
		if (answer == 0)
			step = pace_wait(&i->pace, JOB_WAIT_THROTTLE,
				i->m->each.throttle_backoff_ms, (struct span){why.data, why.len});
	} while (answer == 0 && step == EACH_ON);
	text_fini(&why);
	if (answer < 0) {
		tell_error("Drover::SpawnFailed", span_of(err.text));
		return EACH_NOT_BEGUN;
	}
	i->now_ms = pace_now_ms();
	i->ask_ms = i->now_ms + THROTTLE_EVERY_MS;
	return step;
}

static bool slice_is_over(const struct iteration *i)
{
	const struct job_each *e = &i->m->each;

	return i->used >= e->max_items || i->now_ms - i->began_ms >= e->max_runtime_ms;
}

/* An item is there: so it may be known that there is something to wait for. */
static enum each_step admit(struct iteration *i)
{
	enum each_step step = EACH_ON;

	i->now_ms = pace_now_ms();
	if (slice_is_over(i)) {
		tell_slice();
		return EACH_LATER;
	}
	if (i->now_ms >= i->ask_ms)
		step = ask_throttle(i);
	if (step == EACH_ON && i->used >= scoreboard_granted(i->marks.orders)) {
		step = pace_await_grant(&i->pace, i->used);
		i->now_ms = pace_now_ms();
	}
	if (step == EACH_ON)
		pace_go_on(&i->pace);
	return step;
}

/* -- the loop ---------------------------------------------------------------------------------- */

/*
 * A file that is another one now stays so; anything else may be better later. Where a stop is ordered
 * it may be no error at all: a true one is met again.
 */
enum each_step iterate_say_collection(const struct iteration *i, const struct err *err)
{
	const size_t len = sizeof COLLECTION_CHANGED - 1;

	if (marks_is_stopped(&i->marks))
		return EACH_LATER;
	tell_error("Drover::Collection", span_of(err->text));
	return strncmp(err->text, COLLECTION_CHANGED, len) == 0 ? EACH_FOR_GOOD : EACH_FAILED;
}

static enum each_step next(struct iteration *i, struct collection_item *item)
{
	struct err err;
	int got;

	marks_look_at_end(&i->marks, i->marks.number);
	if (marks_is_stopped(&i->marks))
		return EACH_LATER;
	got = collection_next(i->items, i->marks.end, item, &err);
	if (got < 0)
		return iterate_say_collection(i, &err);
	if (got == 0)
		return EACH_DONE;
	i->pace.taken = item->last;
	return EACH_ON;
}

enum each_step iterate(struct iteration *i)
{
	struct collection_item item;
	enum each_step step;

	i->began_ms = pace_now_ms();
	i->ask_ms = i->m->lists[JOB_THROTTLE][0] ? i->began_ms : INT64_MAX;
	do {
		step = next(i, &item);
		if (step == EACH_ON)
			step = admit(i);
		if (step == EACH_ON)
			step = perform(i, &item);
	} while (step == EACH_ON);
	return step;
}
