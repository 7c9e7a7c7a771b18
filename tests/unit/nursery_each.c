/* The nursery, a real program: an `each` from its first item to its ends. */
#include "support/nursery_each.h"

/* -- items ------------------------------------------------------------------------------------- */

START_TEST(function_performs_items)
{
	struct job_class_source c = each_function("item_print");
	struct rig_each each;

	each_open();
	each = each_range(3);
	each_performs(&c, &each, 0, "1=1/1\n2=2/1\n3=3/1\n", "");
	board_says(3, 3, 0, "3");
	ck_assert_int_eq(board_begun().used, 3);
	ck_assert_int_eq(board_begun().generation, board.generation);
	stop();
}
END_TEST

START_TEST(filter_performs_items)
{
	struct job_class_source c = each_filter("while read x; do echo ok got $x; done");
	struct rig_each each;

	board_open();
	start_static();
	each = each_range(3);
	each_performs(&c, &each, 0, "got 1\ngot 2\ngot 3\n", "");
	board_says(3, 3, 0, "3");
	stop();
}
END_TEST

START_TEST(nothing_to_do)
{
	struct job_class_source c = each_filter("exit 1");
	struct rig_each each;

	each_open();
	each = each_range(0);
	each_performs(&c, &each, 0, "", "");
	board_says(0, 0, 0, "");
	stop();
}
END_TEST

START_TEST(items_in_batches)
{
	struct job_class_source c = each_function("item_print");
	struct rig_each each;

	each_open();
	each = each_range(7);
	each.source.each.batch = 3;
	each_performs(&c, &each, 0, "1=[1,2,3]/7\n4=[4,5,6]/7\n7=[7]/3\n", "");
	board_says(7, 7, 0, "7");
	ck_assert_int_eq(board_begun().used, 7);
	stop();
}
END_TEST

START_TEST(goes_on_behind_the_cursor)
{
	struct job_class_source c = each_function("item_print");
	struct rig_each each;

	each_open();
	each = each_range(5);
	each.source.each.number = 3;
	each.source.each.done = 2;
	each.source.each.errors = 1;
	each.cursor = "3";
	each_performs(&c, &each, 0, "4=4/1\n5=5/1\n", "");
	board_says(5, 4, 1, "5");
	stop();
}
END_TEST

START_TEST(item_has_no_checkpoint)
{
	struct job_class_source c = each_function("item_checkpoint");
	struct rig_each each;

	each_open();
	each = each_range(2);
	each_performs(&c, &each, 0, "", "");
	stop();
}
END_TEST

/* It knows nothing of drover. */
START_TEST(filter_finds)
{
	struct job_class_source c = each_filter(
		"for n in 3 4 5 6 7 8 9; do if [ -e /proc/$$/fd/$n ]; then open=$n; fi; done; "
		"read x; echo ok open=$open fd=$DROVER_FD $DROVER_JID at $DROVER_CURSOR");
	struct rig_each each;

	each_open();
	each = each_range(2);
	each.source.each.number = 1;
	each.cursor = "1";
	each_performs(&c, &each, 0, "open= fd= jid-1 at 1\n", "");
	stop();
}
END_TEST

/* -- what cannot begin ------------------------------------------------------------------------- */

static const struct {
	const char *name, *why;
	bool of_static;
} REFUSED[] = {
	{"nothing", "no module has a function nothing", false},
	{"noop", "noop performs jobs, not items of an each", false},
	{"item_noop", "this nursery has no modules", true},
};

START_TEST(function_is_refused)
{
	struct job_class_source c = each_function(REFUSED[_i].name);
	struct rig_each each;
	char line[200];

	board_open();
	if (REFUSED[_i].of_static)
		start_static();
	else
		start_module(NULL);
	each = each_range(2);
	snprintf(line, sizeof line,
		"error {\"exception\":\"Drover::SpawnFailed\",\"message\":\"%s\"}\n",
		REFUSED[_i].why);
	each_performs(&c, &each, 127, "", line);
	stop();
}
END_TEST

START_TEST(filter_that_is_not_there)
{
	char *argv[] = {(char *)(uintptr_t) "/nowhere/filter", NULL};
	struct job_class_source c = command(argv);
	struct rig_each each;

	c.limits.handler = JOB_EACH;
	each_open();
	each = each_range(2);
	each_performs(&c, &each, 127, "",
		"error {\"exception\":\"Drover::SpawnFailed\",\"message\":\"/nowhere/filter: No "
		"such file or directory (errno 2)\"}\n");
	ck_assert_int_eq(board_begun().number, 0);
	stop();
}
END_TEST

START_TEST(scoreboard_does_not_come)
{
	struct job_class_source c = each_function("item_noop");
	struct rig_each each;

	each_open();
	each = each_range(2);
	each.fds[0] = -1;
	each_performs(&c, &each, 127, "",
		"error {\"exception\":\"Drover::SpawnFailed\",\"message\":\"scoreboard: its "
		"descriptor did not come with the job\"}\n");
	stop();
}
END_TEST

static Suite *nursery_each_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery_each", &t);

	tcase_set_timeout(t, 30);
	tcase_add_test(t, function_performs_items);
	tcase_add_test(t, filter_performs_items);
	tcase_add_test(t, nothing_to_do);
	tcase_add_test(t, items_in_batches);
	tcase_add_test(t, goes_on_behind_the_cursor);
	tcase_add_test(t, item_has_no_checkpoint);
	tcase_add_test(t, filter_finds);
	tcase_add_loop_test(t, function_is_refused, 0, COUNT(REFUSED));
	tcase_add_test(t, filter_that_is_not_there);
	tcase_add_test(t, scoreboard_does_not_come);
	return s;
}

int main(void)
{
	return suite_run(nursery_each_suite());
}
