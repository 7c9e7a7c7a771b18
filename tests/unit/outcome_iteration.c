/* supervisor/outcome: what an end means for a job that iterates, by all it may have said and been told. */
#include <signal.h>
#include <string.h>

#include "supervisor/job/outcome.h"
#include "support/suite.h"

#define IN_ITEM	 1u
#define MOVED	 2u
#define SLICE	 4u
#define HOLD	 8u
#define WAITS	 16u
#define DIVIDES	 32u
#define CURSORS	 64u  /* by `cursor` lines, no `each` */
#define SAID_WHY 128u /* an `error` line */

struct row {
	const char *what;
	int code, signal;
	enum end_reason reason;
	enum iteration_stop stop;
	unsigned flags;
	/* D done, F failed, H head, T tail, L later (waits), P paused, C cancelled, V divided, A again */
	char want;
};

static const struct row ROWS[] = {
	{"all items passed", 0, 0, END_NONE, ITERATION_GO, MOVED, 'D'},
	{"all passed, though told to stop", 0, 0, END_NONE, ITERATION_STOP, MOVED, 'D'},
	{"all passed, though to be paused", 0, 0, END_NONE, ITERATION_PAUSE, MOVED, 'D'},
	{"its plan is divided", 0, 0, END_NONE, ITERATION_GO, DIVIDES, 'V'},

	{"told to stop", 75, 0, END_NONE, ITERATION_STOP, MOVED, 'H'},
	{"told to stop before its first item", 75, 0, END_NONE, ITERATION_STOP, 0, 'H'},
	{"to pause", 75, 0, END_NONE, ITERATION_PAUSE, MOVED, 'P'},
	{"to cancel", 75, 0, END_NONE, ITERATION_CANCEL, MOVED, 'C'},
	{"an item failed, pause then", 75, 0, END_NONE, ITERATION_GO, HOLD, 'P'},
	{"the same, told to stop", 75, 0, END_NONE, ITERATION_STOP, HOLD, 'P'},
	{"the same, cancelled", 75, 0, END_NONE, ITERATION_CANCEL, HOLD, 'C'},
	{"a long wait", 75, 0, END_NONE, ITERATION_GO, WAITS, 'L'},
	{"a stop during a wait", 75, 0, END_NONE, ITERATION_STOP, WAITS, 'H'},
	{"its slice is over", 75, 0, END_NONE, ITERATION_GO, SLICE | MOVED, 'T'},
	{"75 by itself behind a step", 75, 0, END_NONE, ITERATION_GO, MOVED | CURSORS, 'T'},
	{"75 by itself without a step", 75, 0, END_NONE, ITERATION_GO, CURSORS, 'F'},
	{"a command told to stop", 75, 0, END_NONE, ITERATION_STOP, CURSORS, 'H'},

	{"died in an item", 0, SIGSEGV, END_NONE, ITERATION_GO, IN_ITEM, 'A'},
	{"exited in an item", 3, 0, END_NONE, ITERATION_GO, IN_ITEM, 'A'},
	{"over its time in an item", 0, SIGKILL, END_TIMEOUT, ITERATION_GO, IN_ITEM, 'A'},
	{"over its memory in an item", 0, SIGKILL, END_MEMORY, ITERATION_GO, IN_ITEM, 'A'},
	{"died in an item, told to stop", 0, SIGSEGV, END_NONE, ITERATION_STOP, IN_ITEM, 'H'},
	{"died in an item, to pause", 0, SIGSEGV, END_NONE, ITERATION_PAUSE, IN_ITEM, 'P'},
	{"died in an item, cancelled", 0, SIGSEGV, END_NONE, ITERATION_CANCEL, IN_ITEM, 'C'},
	{"died before its first item", 0, SIGSEGV, END_NONE, ITERATION_GO, 0, 'F'},
	{"died between two items", 0, SIGKILL, END_NONE, ITERATION_GO, MOVED, 'A'},
	{"the same, told to stop", 0, SIGKILL, END_NONE, ITERATION_STOP, MOVED, 'H'},
	{"a command died", 0, SIGSEGV, END_NONE, ITERATION_GO, MOVED | CURSORS, 'F'},
	{"failed for good in an item", 100, 0, END_NONE, ITERATION_GO, IN_ITEM | SAID_WHY, 'F'},
	{"a hook failed", 1, 0, END_NONE, ITERATION_GO, MOVED | SAID_WHY, 'F'},

	{"its grace was over", 0, SIGKILL, END_STOP, ITERATION_STOP, IN_ITEM | MOVED, 'H'},
	{"its grace was over, to pause", 0, SIGTERM, END_STOP, ITERATION_PAUSE, IN_ITEM, 'P'},
	{"its grace was over, cancelled", 0, SIGTERM, END_CANCEL, ITERATION_CANCEL, IN_ITEM, 'C'},
	{"its grace was over between items", 0, SIGTERM, END_STOP, ITERATION_STOP, MOVED, 'H'},
	{"an operator ended it", 0, SIGTERM, END_OPERATOR, ITERATION_GO, IN_ITEM, 'F'},
	{"it is another's", 0, SIGKILL, END_EXCLUSIVE, ITERATION_GO, IN_ITEM, 'H'},
};

static struct ending ending_of(const struct row *r)
{
	struct ending e = {.reason = r->reason,
		.spawned = true,
		.pid = 4711,
		.exit_code = r->code,
		.signal = r->signal,
		.attempt = 1,
		.limit = 1000,
		.used = 2000,
		.kill_grace_ms = 5000,
		.iterates = true,
		.each = !(r->flags & CURSORS),
		.moved = r->flags & MOVED,
		.in_item = r->flags & IN_ITEM,
		.stop = r->stop,
		.slice = r->flags & SLICE,
		.hold = r->flags & HOLD,
		.divides = r->flags & DIVIDES,
		.wait_ms = r->flags & WAITS ? 9000 : -1};

	if (r->flags & SAID_WHY)
		e.said_message = SPAN_LIT("item 3: boom");
	return e;
}

static char letter_of(const struct outcome *o)
{
	static const char LETTERS[VERDICT_KINDS] = {[VERDICT_DONE] = 'D',
		[VERDICT_FAILED] = 'F',
		[VERDICT_HEAD] = 'H',
		[VERDICT_TAIL] = 'T',
		[VERDICT_LATER] = 'L',
		[VERDICT_PAUSED] = 'P',
		[VERDICT_CANCELLED] = 'C',
		[VERDICT_DIVIDED] = 'V'};

	return o->again ? 'A' : LETTERS[o->verdict];
}

START_TEST(test_row)
{
	const struct row *r = &ROWS[_i];
	struct ending e = ending_of(r);
	struct outcome o;

	outcome_decide(&o, &e);
	ck_assert_msg(letter_of(&o) == r->want, "%s: %c, not %c", r->what, letter_of(&o), r->want);
	ck_assert_int_eq(o.waits, r->want == 'L');
	text_fini(&o.error);
}
END_TEST

/* Whatever else was said: what does not iterate is judged as it always was. */
START_TEST(test_a_plain_job_is_not_touched)
{
	struct row r = ROWS[_i];
	struct ending e = ending_of(&r);
	struct outcome o;

	e.iterates = e.each = false;
	outcome_decide(&o, &e);
	ck_assert(!o.again && !o.waits && o.verdict != VERDICT_TAIL &&
		  o.verdict != VERDICT_PAUSED && o.verdict != VERDICT_DIVIDED);
	text_fini(&o.error);
}
END_TEST

START_TEST(test_a_failure_is_tried_again_as_others_are)
{
	const struct row r = {"", 0, SIGSEGV, END_NONE, ITERATION_GO, 0, 'F'};
	struct ending e = ending_of(&r);
	struct outcome o;

	e.retries = 1;
	outcome_decide(&o, &e);
	ck_assert_int_eq(o.verdict, VERDICT_LATER);
	ck_assert(!o.waits);
	text_fini(&o.error);
}
END_TEST

START_TEST(test_a_death_in_words)
{
	static const struct {
		struct row row;
		const char *words;
	} rows[] = {
		{{"", 0, SIGSEGV, END_NONE, ITERATION_GO, 0, 0},
			"its process was ended by SIGSEGV"},
		{{"", 3, 0, END_NONE, ITERATION_GO, 0, 0}, "its process exited with status 3"},
		{{"", 0, SIGTERM, END_TIMEOUT, ITERATION_GO, 0, 0},
			"ran for 2.0 s, timeout is 1s; it ended by SIGTERM"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ending e = ending_of(&rows[i].row);
		struct text t = {0};

		outcome_add_death(&t, &e);
		ck_assert_str_eq(t.data, rows[i].words);
		text_fini(&t);
	}
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("outcome_iteration", &t);

	tcase_add_loop_test(t, test_row, 0, COUNT(ROWS));
	tcase_add_loop_test(t, test_a_plain_job_is_not_touched, 0, COUNT(ROWS));
	tcase_add_test(t, test_a_failure_is_tried_again_as_others_are);
	tcase_add_test(t, test_a_death_in_words);
	return suite_run(s);
}
