/* The nursery, a real program: an `each` is told to stop, to wait, to end earlier, and tells its plan. */
#include "support/nursery_each.h"

/* -- orders ------------------------------------------------------------------------------------ */

START_TEST(stops_between_items)
{
	struct job_class_source c = each_function("item_noop");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = each_range(INT64_MAX - 1);
	child = each_begin(&c, "[]", &each);
	while (!board.pages[1]->number)
		usleep(200);
	board_stop();
	each_ends(&child, 75, "", "");
	ck_assert_int_eq(board_mark_now().number, board_mark_now().done);
	ck_assert_int_eq(board_begun().number, board_mark_now().number);
	stop();
}
END_TEST

static pid_t only_child(pid_t pid)
{
	char path[64], text[32] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "r");
	if (!f || !fgets(text, sizeof text, f))
		*text = '\0';
	if (f)
		fclose(f);
	return atoi(text);
}

/* A filter that is asked is never cut off, however long it takes. */
START_TEST(stop_waits_for_the_answer)
{
	struct job_class_source c = each_filter("while read x; do kill -STOP $$; echo ok $x; done");
	struct rig_each each;
	struct rig_child child;
	pid_t filter;

	each_open();
	each = each_range(5);
	child = each_begin(&c, "[]", &each);
	while ((filter = only_child(child.pid)) == 0)
		usleep(200);
	while (board_begun().number != 1)
		usleep(200);
	board_stop();
	while (kill(filter, SIGCONT) == 0 && board_mark_now().number == 0)
		usleep(200);
	each_ends(&child, 75, "1\n", "");
	board_says(1, 1, 0, "1");
	stop();
}
END_TEST

START_TEST(begins_what_is_granted)
{
	struct job_class_source c = each_function("item_noop");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = each_range(10);
	board_grant(2);
	child = each_begin(&c, "[]", &each);
	board_await(2);
	board_grant(5);
	board_await(5);
	ck_assert_int_eq(board_begun().used, 5);
	each_says(&child, "wait rate 1000\n", NULL);
	board_grant(INT64_MAX);
	each_ends(&child, 0, "", "working\n");
	board_says(10, 10, 0, "10");
	stop();
}
END_TEST

START_TEST(stop_is_heard_while_it_waits)
{
	struct job_class_source c = each_function("item_noop");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = each_range(10);
	board_grant(2);
	child = each_begin(&c, "[]", &each);
	board_await(2);
	board_stop();
	each_ends(&child, 75, "", "");
	board_says(2, 2, 0, "2");
	stop();
}
END_TEST

START_TEST(adopts_a_smaller_end)
{
	struct job_class_source c = each_function("item_noop");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = each_range(10);
	board_grant(2);
	child = each_begin(&c, "[]", &each);
	board_await(2);
	board_set_end(5);
	while (board_begun().end != 5)
		usleep(200);
	board_grant(INT64_MAX);
	each_ends(&child, 0, "", "");
	board_says(5, 5, 0, "5");
	stop();
}
END_TEST

/* The item that waits for its grant was taken: it counts as passed by who makes the end smaller. */
START_TEST(end_is_never_behind_what_was_taken)
{
	struct job_class_source c = each_function("item_noop");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = each_range(10);
	board_grant(4);
	child = each_begin(&c, "[]", &each);
	board_await(4);
	board_set_end(2);
	while (board_begun().end == INT64_MAX)
		usleep(200);
	ck_assert_int_le(board_begun().end, 5);
	board_grant(INT64_MAX);
	each_ends(&child, 0, "", "");
	ck_assert_int_eq(board_begun().end, board_mark_now().number);
	stop();
}
END_TEST

static void gives_its_worker_back(struct rig_each *each, const char *script, int64_t number)
{
	struct job_class_source c = each_filter(script);

	each_performs(&c, each, 75, "", "slice\n");
	ck_assert_int_eq(board_mark_now().number, number);
}

START_TEST(slices)
{
	struct rig_each each;

	each_open();
	each = each_range(5);
	each.source.each.max_items = 2;
	gives_its_worker_back(&each, "while read x; do echo ok; done", 2);
	each_resume(&each);
	gives_its_worker_back(&each, "while read x; do echo ok; done", 4);
	each_resume(&each);
	each.source.each.max_items = JOB_NO_NUMBER;
	each.source.each.max_runtime_ms = 100;
	each.source.collection.last = 7;
	gives_its_worker_back(&each, "while read x; do sleep 0.2; echo ok; done", 5);
	stop();
}
END_TEST

/* -- the plan ---------------------------------------------------------------------------------- */

START_TEST(plan_is_told_first)
{
	struct job_class_source c = each_function("item_print");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = each_range(2);
	each.source.each.flags |= JOB_EACH_PLAN;
	child = each_begin(&c, "[]", &each);
	each_says(&child, "plan 2\n", "go\n");
	each_ends(&child, 0, "1=1/1\n2=2/1\n", "");
	stop();
}
END_TEST

START_TEST(plan_that_is_divided)
{
	char *hook[] = {(char *)(uintptr_t) "echo", (char *)(uintptr_t) "complete", NULL};
	struct job_class_source c = each_function("item_print");
	struct rig_each each;
	struct rig_child child;

	c.lists[JOB_ON_COMPLETE] = hook;
	each_open();
	each = each_range(100);
	each.source.each.flags |= JOB_EACH_PLAN;
	each.source.each.bounds = 2;
	child = each_begin(&c, "[]", &each);
	each_says(&child, "plan 100 0: 50:50\n", "stop\n");
	each_ends(&child, 0, "", "");
	board_says(0, 0, 0, "");
	stop();
}
END_TEST

/* Not as one that is divided, and so done: nothing of it is. */
START_TEST(plan_that_is_stopped)
{
	struct job_class_source c = each_function("item_print");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = each_range(100);
	each.source.each.flags |= JOB_EACH_PLAN;
	child = each_begin(&c, "[]", &each);
	board_stop();
	each_says(&child, "plan 100\n", "stop\n");
	each_ends(&child, 75, "", "");
	board_says(0, 0, 0, "");
	stop();
}
END_TEST

static Suite *nursery_each_orders_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery_each_orders", &t);

	tcase_set_timeout(t, 30);
	tcase_add_test(t, stops_between_items);
	tcase_add_test(t, stop_waits_for_the_answer);
	tcase_add_test(t, begins_what_is_granted);
	tcase_add_test(t, stop_is_heard_while_it_waits);
	tcase_add_test(t, adopts_a_smaller_end);
	tcase_add_test(t, end_is_never_behind_what_was_taken);
	tcase_add_test(t, slices);
	tcase_add_test(t, plan_is_told_first);
	tcase_add_test(t, plan_that_is_divided);
	tcase_add_test(t, plan_that_is_stopped);
	return s;
}

int main(void)
{
	return suite_run(nursery_each_orders_suite());
}
