/* supervisor/outcome: every reason for an end, and every end, and what is made of it. */
#include <signal.h>
#include <string.h>

#include "supervisor/job/outcome.h"
#include "support/suite.h"

enum how { CLEAN, STATUS_1, STATUS_75, STATUS_100, BY_TERM, BY_KILL, BY_XCPU, HOWS };

static struct ending ending_of(enum end_reason reason, enum how how)
{
	static const int codes[HOWS] = {[STATUS_1] = 1, [STATUS_75] = 75, [STATUS_100] = 100};
	static const int signals[HOWS] = {
		[BY_TERM] = SIGTERM, [BY_KILL] = SIGKILL, [BY_XCPU] = SIGXCPU};

	return (struct ending){.reason = reason,
		.spawned = true,
		.pid = 4711,
		.exit_code = codes[how],
		.signal = signals[how],
		.term_sent = reason != END_NONE,
		.kill_sent = reason != END_NONE && how == BY_KILL,
		.limit = 1000,
		.used = 1400,
		.kill_grace_ms = 5000,
		.attempt = 1,
		.cpu_limit_ms = 2000,
		.usage = {.ru_utime = {.tv_sec = 2}, .ru_stime = {.tv_usec = 100000}}};
}

/*
 * D: done. H: back to the head, interrupted; B: back without that. A: cancelled. Else the first letter
 * of what stands behind "::".
 */
static const char *const TABLE[END_REASONS] = {
	/* clean, 1, 75, 100, TERM, KILL, XCPU */
	[END_NONE] = "DEEEXXc",
	[END_TIMEOUT] = "TTTTTTT",
	[END_MEMORY] = "MMMMMMM",
	[END_CPU] = "ccccccc",
	[END_PROCESSES] = "PPPPPPP",
	[END_STOP] = "DHHEHHc",
	[END_OPERATOR] = "DXXXXXc",
	[END_EXCLUSIVE] = "DEEEXBc",
	[END_CANCEL] = "DAAAAAc",
	[END_LOST] = "DEEEXXc", /* nobody asks: the verdict is stale */
};

static char letter_of(const struct outcome *o)
{
	static const struct {
		const char *exception;
		char letter;
	} letters[] = {{"Drover::ExitStatus", 'E'}, {"Resque::DirtyExit", 'X'},
		{"Drover::Timeout", 'T'}, {"Drover::MemoryLimit", 'M'}, {"Drover::CpuLimit", 'c'},
		{"Drover::ProcessLimit", 'P'}, {"Drover::Interrupted", 'I'}};

	if (o->verdict == VERDICT_CANCELLED)
		return 'A';
	if (o->verdict != VERDICT_FAILED && o->verdict != VERDICT_LATER) {
		ck_assert_ptr_null(o->exception);
		ck_assert_int_eq(o->error.len > 0, o->cut_off);
		return o->verdict == VERDICT_DONE ? 'D' : o->cut_off ? 'B' : 'H';
	}
	ck_assert_uint_gt(o->error.len, 0);
	for (size_t i = 0; i < COUNT(letters); i++)
		if (o->exception && strcmp(o->exception, letters[i].exception) == 0)
			return letters[i].letter;
	return '?';
}

START_TEST(test_each_reason_and_end)
{
	for (enum how how = CLEAN; how < HOWS; how++) {
		struct ending e = ending_of((enum end_reason)_i, how);
		struct outcome o;

		outcome_decide(&o, &e);
		ck_assert_msg(letter_of(&o) == TABLE[_i][how], "%s, end %d: %c, not %c",
			end_reason_name((enum end_reason)_i), (int)how, letter_of(&o),
			TABLE[_i][how]);
		text_fini(&o.error);
	}
}
END_TEST

START_TEST(test_at_most_once_is_not_run_again)
{
	static const char want[] = "DIIEIIc";

	for (enum how how = CLEAN; how < HOWS; how++) {
		struct ending e = ending_of(END_STOP, how);
		struct outcome o;

		e.at_most_once = true;
		outcome_decide(&o, &e);
		ck_assert_int_eq(letter_of(&o), want[how]);
		text_fini(&o.error);
	}
}
END_TEST

/* -- another attempt --------------------------------------------------------------------------------- */

/* y: it is tried again, with the same exception and sentence. */
static const char *const AGAIN[END_REASONS] = {
	/* clean, 1, 75, 100, TERM, KILL, XCPU */
	[END_NONE] = "nyynyyy",
	[END_TIMEOUT] = "yyyyyyy",
	[END_MEMORY] = "yyyyyyy",
	[END_CPU] = "yyyyyyy",
	[END_PROCESSES] = "yyyyyyy",
	[END_STOP] = "nnnnnnn",
	[END_OPERATOR] = "nyynyyy",
	[END_EXCLUSIVE] = "nyynyny",
	[END_CANCEL] = "nnnnnny",
	[END_LOST] = "nyynyyy",
};

START_TEST(test_another_attempt)
{
	for (enum how how = CLEAN; how < HOWS; how++)
		for (int64_t attempt = 1; attempt <= 4; attempt++) {
			struct ending e = ending_of((enum end_reason)_i, how);
			struct outcome o;
			bool again;

			e.attempt = attempt;
			e.retries = 3;
			e.at_most_once = false;
			outcome_decide(&o, &e);
			again = o.verdict == VERDICT_LATER;
			ck_assert_msg(again == (attempt <= 3 && AGAIN[_i][how] == 'y'),
				"%s, end %d, attempt %d", end_reason_name((enum end_reason)_i),
				(int)how, (int)attempt);
			if (o.verdict == VERDICT_LATER)
				ck_assert_int_eq(letter_of(&o), TABLE[_i][how]);
			text_fini(&o.error);
			e.at_most_once = true;
			outcome_decide(&o, &e);
			ck_assert_int_ne(o.verdict, VERDICT_LATER);
			text_fini(&o.error);
		}
}
END_TEST

/* -- sentences --------------------------------------------------------------------------------------- */

static const struct {
	enum end_reason reason;
	enum how how;
	int64_t limit, used;
	const char *error;
} SENTENCES[] = {
	{END_NONE, STATUS_1, 0, 0, "exit status 1"},
	{END_NONE, STATUS_100, 0, 0, "exit status 100"},
	{END_NONE, STATUS_75, 0, 0,
		"exit status 75: asked to be tried later, and its class has no retries"},
	{END_NONE, BY_KILL, 0, 0,
		"Child process received unhandled signal pid 4711 SIGKILL (signal 9)"},
	{END_NONE, BY_XCPU, 0, 0,
		"used 2.1 s of CPU time, the limit is 2s; it was ended by SIGXCPU"},
	{END_TIMEOUT, BY_TERM, 1000, 1400, "ran for 1.4 s, timeout is 1s; it ended by SIGTERM"},
	{END_TIMEOUT, BY_KILL, 600000, 605000,
		"ran for 10 min 5 s, timeout is 10m; it did not heed SIGTERM for 5.0 s and was "
		"killed"},
	{END_TIMEOUT, CLEAN, 1000, 1400,
		"ran for 1.4 s, timeout is 1s; told to end, it exited with status 0"},
	{END_MEMORY, BY_TERM, 256 << 20, 300 << 20,
		"its processes used 300.0 MiB of memory, the limit is 256M; it ended by SIGTERM"},
	{END_CPU, BY_TERM, 30000, 31500,
		"used 31.5 s of CPU time, the limit is 30s; it ended by SIGTERM"},
	{END_PROCESSES, STATUS_1, 64, 70,
		"ran 70 processes and threads, the limit is 64; told to end, it exited with status "
		"1"},
	{END_OPERATOR, BY_KILL, 0, 0,
		"Child process received unhandled signal pid 4711 SIGKILL (signal 9); ended by an "
		"operator (USR1)"},
};

START_TEST(test_sentence)
{
	struct ending e = ending_of(SENTENCES[_i].reason, SENTENCES[_i].how);
	struct outcome o;

	e.limit = SENTENCES[_i].limit;
	e.used = SENTENCES[_i].used;
	outcome_decide(&o, &e);
	ck_assert_str_eq(o.error.data, SENTENCES[_i].error);
	text_fini(&o.error);
}
END_TEST

START_TEST(test_killed_at_once)
{
	struct ending e = ending_of(END_MEMORY, BY_KILL);
	struct outcome o;

	e.term_sent = false;
	outcome_decide(&o, &e);
	ck_assert_ptr_nonnull(strstr(o.error.data, "; it was killed"));
	text_fini(&o.error);
}
END_TEST

/* -- what the job said of its error -------------------------------------------------------------------- */

START_TEST(test_what_the_job_said)
{
	static const struct {
		enum how how;
		struct span exception, message;
		const char *want_exception, *want_error; /* NULL: what the job said */
	} rows[] = {
		{STATUS_1, SPAN_LIT("Boom"), SPAN_LIT("boom"), NULL, "boom"},
		{STATUS_1, SPAN_LIT("Boom"), {NULL, 0}, NULL, "exit status 1"},
		{STATUS_1, {NULL, 0}, SPAN_LIT("boom"), "Drover::ExitStatus", "boom"},
		{STATUS_75, SPAN_LIT("Boom"), SPAN_LIT("later"), NULL, "later"},
		{BY_TERM, SPAN_LIT("Boom"), SPAN_LIT("boom"), NULL, "boom"},
		{BY_TERM, {NULL, 0}, SPAN_LIT("boom"), "Resque::DirtyExit", "boom"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ending e = ending_of(END_NONE, rows[i].how);
		struct outcome o;

		e.said_exception = rows[i].exception;
		e.said_message = rows[i].message;
		outcome_decide(&o, &e);
		ck_assert_int_eq(o.verdict, VERDICT_FAILED);
		ck_assert_pstr_eq(o.exception, rows[i].want_exception);
		ck_assert_str_eq(o.error.data, rows[i].want_error);
		text_fini(&o.error);
	}
}
END_TEST

START_TEST(test_what_it_said_does_not_undo_a_clean_end)
{
	struct ending e = ending_of(END_NONE, CLEAN);
	struct outcome o;

	e.said_exception = SPAN_LIT("Boom");
	e.said_message = SPAN_LIT("boom");
	outcome_decide(&o, &e);
	ck_assert_int_eq(o.verdict, VERDICT_DONE);
	text_fini(&o.error);
}
END_TEST

START_TEST(test_cut_off_at_most_once_is_not_run_again)
{
	struct ending e = ending_of(END_EXCLUSIVE, BY_KILL);
	struct outcome o;

	e.at_most_once = true;
	outcome_decide(&o, &e);
	ck_assert_int_eq(letter_of(&o), 'I');
	text_fini(&o.error);
}
END_TEST

START_TEST(test_names_of_reasons)
{
	for (enum end_reason r = END_NONE; r < END_REASONS; r++)
		ck_assert_ptr_nonnull(end_reason_name(r));
	ck_assert_str_eq(end_reason_name(END_MEMORY), "memory");
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("outcome", &t);

	tcase_add_loop_test(t, test_each_reason_and_end, 0, END_REASONS);
	tcase_add_test(t, test_at_most_once_is_not_run_again);
	tcase_add_loop_test(t, test_another_attempt, 0, END_REASONS);
	tcase_add_loop_test(t, test_sentence, 0, COUNT(SENTENCES));
	tcase_add_test(t, test_killed_at_once);
	tcase_add_test(t, test_what_the_job_said);
	tcase_add_test(t, test_what_it_said_does_not_undo_a_clean_end);
	tcase_add_test(t, test_cut_off_at_most_once_is_not_run_again);
	tcase_add_test(t, test_names_of_reasons);
	return suite_run(s);
}
