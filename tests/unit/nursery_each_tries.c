/* The nursery, a real program: what an item of an `each` dies of, when it is tried again, and a
   collection that cannot be gone through. */
#include "support/nursery_each.h"

/* -- deaths ------------------------------------------------------------------------------------ */

/* Ends behind every second answer, as some do to have their memory back: no try of any item. */
START_TEST(filter_that_ends_between_items)
{
	struct job_class_source c =
		each_filter("echo new >&2; read x; echo ok; read x; echo ok; exit 0");
	struct rig_each each;

	each_open();
	each = each_range(6);
	each_performs(&c, &each, 0, "new\nnew\nnew\n", "");
	board_says(6, 6, 0, "6");
	stop();
}
END_TEST

START_TEST(item_that_killed_children_before)
{
	struct job_class_source c = each_function("item_print");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = each_range(3);
	each.source.each.on_item_error = JOB_ITEM_SKIP;
	each.source.each.tried_number = 1;
	each.source.each.tries = 2;
	each.source.died = SPAN_LIT("killed by SIGKILL");
	child = each_begin(&c, "[]", &each);
	each_says_aside(&child,
		"aside 1 {\"item\":\"1\",\"cursor\":\"\",\"error\":\"killed by "
		"SIGKILL\",\"attempts\":2",
		"go\n");
	each_ends(&child, 0, "2=2/1\n3=3/1\n", "");
	board_says(3, 2, 1, "3");
	stop();
}
END_TEST

/* The child dies in item 3 and is given it until it has had its tries. */
START_TEST(poison_item)
{
	struct job_class_source c = each_function("item_crash");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = each_range(5);
	each.source.each.on_item_error = JOB_ITEM_SKIP;
	for (int try = 1; try <= 2; try++) {
		each_performs(&c, &each, -SIGSEGV, "", "");
		board_says(2, 2, 0, "2");
		ck_assert_int_eq(board_begun().number, 3);
		ck_assert_int_eq(board_begun().tries, try);
		each_resume(&each);
		each.source.each.tried_number = 3;
		each.source.each.tries = try;
		each.source.died = SPAN_LIT("it ended by SIGSEGV");
	}
	child = each_begin(&c, "[]", &each);
	each_says_aside(&child,
		"aside 3 {\"item\":\"3\",\"cursor\":\"2\",\"error\":\"it ended by "
		"SIGSEGV\",\"attempts\":2",
		"go\n");
	each_ends(&child, 0, "", "");
	board_says(5, 4, 1, "5");
	stop();
}
END_TEST

/* -- back-off ---------------------------------------------------------------------------------- */

START_TEST(retries_wait)
{
	struct job_class_source c =
		each_filter("read x; echo retry later; read x; echo ok; read x");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = each_range(1);
	each.source.each.item_retries = 1;
	each.source.each.item_backoff = (struct job_backoff){300, 1000, 2, 0, 0};
	child = each_begin(&c, "[]", &each);
	each_says(&child, "wait backoff 300 item 1: later (attempts 1)\n", NULL);
	ck_assert_int_eq(board_begun().mono_ms, SCOREBOARD_RESTING);
	each_ends(&child, 0, "sh exited with 1\n", "working\n");
	ck_assert_int_eq(board_begun().tries, 2);
	ck_assert_int_ne(board_begun().mono_ms, SCOREBOARD_RESTING);
	stop();
}
END_TEST

/* Its tries outlive the child. */
START_TEST(stop_is_heard_in_a_backoff)
{
	struct job_class_source c = each_filter("while read x; do echo retry later; done");
	struct rig_each each;
	struct rig_child child;

	each_open();
	each = each_range(1);
	each.source.each.item_retries = 9;
	each.source.each.tried_number = 1;
	each.source.each.tries = 2;
	each.source.each.item_backoff = (struct job_backoff){4000, 5000, 1, 0, 0};
	child = each_begin(&c, "[]", &each);
	each_says(&child, "wait backoff 4000 item 1: later (attempts 3)\n", NULL);
	board_stop();
	each_ends(&child, 75, "", "");
	board_says(0, 0, 0, "");
	ck_assert_int_eq(board_begun().number, 1);
	ck_assert_int_eq(board_begun().tries, 3);
	stop();
}
END_TEST

START_TEST(long_backoff_gives_the_worker_back)
{
	struct job_class_source c = each_filter("while read x; do echo retry later; done");
	struct rig_each each;

	each_open();
	each = each_range(1);
	each.source.each.item_retries = 9;
	each.source.each.item_backoff = (struct job_backoff){6000, 60000, 1, 1, 0};
	each_performs(&c, &each, 75, "", "wait backoff 6000 item 1: later (attempts 1)\n");
	ck_assert_int_eq(board_begun().tries, 1);
	stop();
}
END_TEST

/* -- a collection that cannot be gone through --------------------------------------------------- */

static char path[] = "/tmp/drover-test-XXXXXX";

/* A file of lines: `head`, then `size` times x. */
static struct rig_each lines_of(const char *head, size_t size)
{
	struct rig_each each = each_range(1);
	int fd = mkstemp(path);
	char *bytes = malloc(size + 1);

	memset(bytes, 'x', size);
	bytes[size] = '\n';
	ck_assert_int_eq(write(fd, head, strlen(head)), (ssize_t)strlen(head));
	ck_assert_int_eq(write(fd, bytes, size + 1), (ssize_t)size + 1);
	free(bytes);
	close(fd);
	each.source.collection = (struct job_collection){.kind = JOB_LINES};
	each.source.path = span_of(path);
	return each;
}

/* Larger than a pipe, for a filter that prints more than a pipe holds before it reads. */
START_TEST(neither_waits_for_the_other)
{
	struct job_class_source c = each_filter(
		"dd bs=1 count=1 status=none >&2; printf %0100000d 0; while read x; do echo; done");
	struct rig_each each;
	struct rig_child child;
	struct rig_end end;

	each_open();
	each = lines_of("", 200000);
	each.source.each.on_item_error = JOB_ITEM_PAUSE;
	child = each_begin(&c, "[]", &each);
	end = rig_await(&child);
	unlink(path);
	ck_assert_int_eq(rig_exit_status(&end), 75);
	ck_assert_ptr_nonnull(strstr(end.lines.data, "hold item 1: the filter answered with more"));
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(item_that_nobody_can_be_given)
{
	struct job_class_source c = each_filter("while read x; do echo ok $x; done");
	struct rig_each each;
	struct rig_child child;
	const char *line;

	each_open();
	each = lines_of("a\n", 2 << 20);
	each.source.each.on_item_error = JOB_ITEM_SKIP;
	child = each_begin(&c, "[]", &each);
	line = rig_line_of(child.socket, 65536);
	ck_assert_int_eq(strncmp(line, "aside 2 {\"item\":\"xxx", 20), 0);
	ck_assert_ptr_nonnull(strstr(line, "\"error\":\"it is longer than 1 MiB\",\"attempts\":0"));
	ck_assert_int_eq(send(child.socket, "go\n", 3, 0), 3);
	each_ends(&child, 0, "a\n", "");
	ck_assert_int_eq(board_mark_now().errors, 1);
	unlink(path);
	stop();
}
END_TEST

START_TEST(file_has_changed)
{
	struct job_class_source c = each_function("item_noop");
	struct rig_each each;
	struct rig_child child;
	struct rig_end end;

	each_open();
	each = lines_of("a\nb\n", 10);
	each.source.each.max_items = 1;
	each_performs(&c, &each, 75, "", "slice\n");
	each_resume(&each);
	ck_assert_int_eq(truncate(path, 3), 0);
	child = each_begin(&c, "[]", &each);
	end = rig_await(&child);
	unlink(path);
	ck_assert_int_eq(rig_exit_status(&end), 100);
	ck_assert_ptr_nonnull(strstr(end.lines.data,
		"error {\"exception\":\"Drover::Collection\",\"message\":\"the collection has "
		"changed: "));
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(file_is_not_there)
{
	struct job_class_source c = each_function("item_noop");
	struct rig_each each;
	struct rig_child child;
	struct rig_end end;

	each_open();
	each = lines_of("a\n", 10);
	unlink(path);
	child = each_begin(&c, "[]", &each);
	end = rig_await(&child);
	ck_assert_int_eq(rig_exit_status(&end), 1);
	ck_assert_ptr_nonnull(strstr(end.lines.data, "Drover::Collection"));
	rig_end_fini(&end);
	stop();
}
END_TEST

static Suite *nursery_each_tries_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery_each_tries", &t);

	tcase_set_timeout(t, 30);
	tcase_add_test(t, filter_that_ends_between_items);
	tcase_add_test(t, item_that_killed_children_before);
	tcase_add_test(t, poison_item);
	tcase_add_test(t, retries_wait);
	tcase_add_test(t, stop_is_heard_in_a_backoff);
	tcase_add_test(t, long_backoff_gives_the_worker_back);
	tcase_add_test(t, neither_waits_for_the_other);
	tcase_add_test(t, item_that_nobody_can_be_given);
	tcase_add_test(t, file_has_changed);
	tcase_add_test(t, file_is_not_there);
	return s;
}

int main(void)
{
	return suite_run_apart(nursery_each_tries_suite());
}
