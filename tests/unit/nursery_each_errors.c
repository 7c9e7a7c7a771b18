/* The nursery, a real program: items of an `each` that fail, and what is decided for them. */
#include "support/nursery_each.h"

/* Answers for item 2 what stands behind; ok for all others. */
#define BUT_2(answer) "while read x; do if [ $x = 2 ]; then " answer "; else echo ok; fi; done"

#define ITEM_ERRORS(message) \
	"error {\"exception\":\"Drover::ItemErrors\",\"message\":\"" message "\"}\n"

static struct rig_each range_of_3(enum job_item_error on_item_error, int64_t retries)
{
	struct rig_each each = each_range(3);

	each.source.each.on_item_error = on_item_error;
	each.source.each.item_retries = retries;
	return each;
}

/* -- stop -------------------------------------------------------------------------------------- */

static const struct {
	const char *script;
	int retries;
	const char *lines;
} STOPS[] = {
	{BUT_2("echo fail boom"), 2, ITEM_ERRORS("item 2: boom (attempts 1)")},
	{BUT_2("echo fail"), 2, ITEM_ERRORS("item 2: the filter said fail (attempts 1)")},
	{BUT_2("echo retry boom"), 2, ITEM_ERRORS("item 2: boom (attempts 3)")},
	{BUT_2("echo retry boom"), 0, ITEM_ERRORS("item 2: boom (attempts 1)")},
	{BUT_2("echo abort all of it"), 2, ITEM_ERRORS("item 2: all of it (attempts 1)")},
	{BUT_2("echo okay"), 2, ITEM_ERRORS("item 2: okay (attempts 1)")},
	{BUT_2("echo"), 2, ITEM_ERRORS("item 2: the filter answered nothing (attempts 1)")},
	{BUT_2("exit 3"), 0, ITEM_ERRORS("item 2: the filter exited with 3 (attempts 2)")},
	{BUT_2("kill -SEGV $$"), 2,
		ITEM_ERRORS("item 2: the filter ended by SIGSEGV (attempts 3)")},
};

START_TEST(run_is_stopped)
{
	struct job_class_source c = each_filter(STOPS[_i].script);
	struct rig_each each;

	each_open();
	each = range_of_3(JOB_ITEM_STOP, STOPS[_i].retries);
	each_performs(&c, &each, 100, "", STOPS[_i].lines);
	board_says(1, 1, 0, "1");
	ck_assert_int_eq(board_begun().number, 2);
	stop();
}
END_TEST

static const struct {
	const char *args;
	int status;
	const char *lines;
} ANSWERS[] = {
	{"[2,4]", 0, ""},
	{"[2,1,\"boom\"]", 100, ITEM_ERRORS("item 2: boom (attempts 1)")},
	{"[2,1]", 100, ITEM_ERRORS("item 2: the function gave no reason (attempts 1)")},
	{"[2,2,\"later\"]", 100, ITEM_ERRORS("item 2: later (attempts 2)")},
	{"[2,5,\"no more\"]", 100, ITEM_ERRORS("item 2: no more (attempts 1)")},
	{"[2,17]", 100, ITEM_ERRORS("item 2: the function returned 17 (attempts 1)")},
	{"[2,3]", 75, ""},
};

START_TEST(function_answers)
{
	struct job_class_source c = each_function("item_answer");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = range_of_3(JOB_ITEM_STOP, 1);
	child = each_begin(&c, ANSWERS[_i].args, &each);
	each_ends(&child, ANSWERS[_i].status, "", ANSWERS[_i].lines);
	ck_assert_int_eq(board_mark_now().number, ANSWERS[_i].status ? 1 : 3);
	if (ANSWERS[_i].status == 75)
		ck_assert_int_eq(board_begun().number, 1);
	stop();
}
END_TEST

START_TEST(long_answer_is_cut)
{
	struct job_class_source c =
		each_filter("read x; head -c 100000 /dev/zero | tr '\\0' x; echo; read x");
	struct rig_child child;
	struct rig_each each;
	struct rig_end end;

	each_open();
	each = range_of_3(JOB_ITEM_PAUSE, 0);
	child = each_begin(&c, "[]", &each);
	end = rig_await(&child);
	ck_assert_int_eq(rig_exit_status(&end), 75);
	ck_assert_ptr_nonnull(strstr(end.lines.data,
		"hold item 1: the filter answered with more than 65536 bytes: xxx"));
	ck_assert_int_lt(end.lines.len, 5000);
	rig_end_fini(&end);
	stop();
}
END_TEST

/* -- pause ------------------------------------------------------------------------------------- */

START_TEST(run_is_held)
{
	struct job_class_source c = each_filter(BUT_2("echo fail boom"));
	struct rig_each each;

	each_open();
	each = range_of_3(JOB_ITEM_PAUSE, 0);
	each_performs(&c, &each, 75, "", "hold item 2: boom (attempts 1)\n");
	board_says(1, 1, 0, "1");
	stop();
}
END_TEST

/* -- skip -------------------------------------------------------------------------------------- */

START_TEST(item_is_set_aside)
{
	struct job_class_source c = each_filter(BUT_2("echo 'fail a \"b\"'"));
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = range_of_3(JOB_ITEM_SKIP, 0);
	child = each_begin(&c, "[]", &each);
	each_says_aside(&child,
		"aside 2 {\"item\":\"2\",\"cursor\":\"1\",\"error\":\"a \\\"b\\\"\",\"attempts\":1",
		"go\n");
	each_ends(&child, 0, "", "");
	board_says(3, 2, 1, "3");
	stop();
}
END_TEST

/* While the answer is waited for, no clock runs for the item. Kept, then ended. */
START_TEST(set_aside_and_stopped)
{
	struct job_class_source c = each_filter(BUT_2("echo fail boom"));
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = range_of_3(JOB_ITEM_SKIP, 0);
	child = each_begin(&c, "[]", &each);
	ck_assert_int_eq(strncmp(rig_line(child.socket), "aside 2 ", 8), 0);
	board_says(1, 1, 0, "1");
	ck_assert_int_eq(board_begun().mono_ms, SCOREBOARD_RESTING);
	ck_assert_int_eq(send(child.socket, "stop\n", 5, 0), 5);
	each_ends(&child, 75, "", "");
	board_says(2, 1, 1, "2");
	stop();
}
END_TEST

START_TEST(too_many_are_set_aside)
{
	struct job_class_source c = each_filter("while read x; do echo fail boom; done");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = range_of_3(JOB_ITEM_SKIP, 0);
	each.source.each.max_item_errors = 5;
	each.source.each.run_errors = 4;
	child = each_begin(&c, "[]", &each);
	each_says_aside(&child,
		"aside 1 {\"item\":\"1\",\"cursor\":\"\",\"error\":\"boom\",\"attempts\":1",
		"go\n");
	each_ends(&child, 100, "",
		ITEM_ERRORS("item 2: boom (attempts 1); more than 5 items failed "
			    "(max_item_errors)"));
	board_says(1, 0, 1, "1");
	stop();
}
END_TEST

/* -- what was set aside, once more ------------------------------------------------------------- */

START_TEST(items_are_healed)
{
	struct job_class_source c = each_filter(BUT_2("echo fail boom"));
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = range_of_3(JOB_ITEM_STOP, 0);
	each.source.each.flags |= JOB_EACH_RETRY;
	each.source.each.done = 10;
	each.source.each.errors = 3;
	child = each_begin(&c, "[]", &each);
	each_says(&child, "healed 1\n", "go\n");
	each_says_aside(&child,
		"aside 2 {\"item\":\"2\",\"cursor\":\"1\",\"error\":\"boom\",\"attempts\":1",
		"go\n");
	board_await(2);
	each_says(&child, "healed 3\n", "stop\n");
	each_ends(&child, 75, "", "");
	board_says(3, 12, 3, "3");
	stop();
}
END_TEST

static Suite *nursery_each_errors_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery_each_errors", &t);

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, run_is_stopped, 0, COUNT(STOPS));
	tcase_add_loop_test(t, function_answers, 0, COUNT(ANSWERS));
	tcase_add_test(t, long_answer_is_cut);
	tcase_add_test(t, run_is_held);
	tcase_add_test(t, item_is_set_aside);
	tcase_add_test(t, set_aside_and_stopped);
	tcase_add_test(t, too_many_are_set_aside);
	tcase_add_test(t, items_are_healed);
	return s;
}

int main(void)
{
	return suite_run(nursery_each_errors_suite());
}
