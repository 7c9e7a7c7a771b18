/* The nursery, a real program: the commands around the items of an `each`, and odd filters. */
#include "support/nursery_each.h"

#define SHELL(script)                                                                            \
	(char *[])                                                                               \
	{                                                                                        \
		(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)(script), \
			NULL                                                                     \
	}

/* -- hooks ------------------------------------------------------------------------------------- */

static struct job_class_source with_hooks(void)
{
	static char *lists[4][3];
	const enum job_list which[] = {
		JOB_ON_START, JOB_ON_RESUME, JOB_ON_INTERRUPT, JOB_ON_COMPLETE};
	const char *words[] = {"start", "resume", "interrupt", "complete"};
	struct job_class_source c = each_function("item_print");

	c.lists[JOB_ENV] = command(NULL).lists[JOB_ENV];
	for (int i = 0; i < 4; i++) {
		lists[i][0] = (char *)(uintptr_t) "echo";
		lists[i][1] = (char *)(uintptr_t)words[i];
		c.lists[which[i]] = lists[i];
	}
	return c;
}

START_TEST(hooks_stand_around_the_items)
{
	struct job_class_source c = with_hooks();
	struct rig_each each;

	each_open();
	each = each_range(2);
	each.source.each.max_items = 1;
	each_performs(&c, &each, 75, "start\n1=1/1\ninterrupt\n", "slice\n");
	each_resume(&each);
	each.source.each.max_items = JOB_NO_NUMBER;
	each_performs(&c, &each, 0, "resume\n2=2/1\ncomplete\n", "");
	stop();
}
END_TEST

START_TEST(part_has_no_hooks)
{
	struct job_class_source c = with_hooks();
	struct rig_each each;

	each_open();
	each = each_range(2);
	each.source.each.flags |= JOB_EACH_PART;
	each.source.each.max_items = 1;
	each_performs(&c, &each, 75, "1=1/1\n", "slice\n");
	each_resume(&each);
	each.source.each.flags |= JOB_EACH_PART;
	each.source.each.max_items = JOB_NO_NUMBER;
	each_performs(&c, &each, 0, "2=2/1\n", "");
	stop();
}
END_TEST

START_TEST(completion_is_the_hook_alone)
{
	struct job_class_source c = with_hooks();
	struct rig_each each;

	each_open();
	each = each_range(2);
	each.source.each.flags = JOB_EACH_COMPLETE;
	each_performs(&c, &each, 0, "complete\n", "");
	stop();
}
END_TEST

/* In order: on_start prepares what is counted then. */
START_TEST(plan_comes_behind_on_start)
{
	struct job_class_source c = with_hooks();
	struct rig_each each;
	struct rig_child child;
	char start[8] = "";

	each_open();
	each = each_range(2);
	each.source.each.flags |= JOB_EACH_PLAN;
	child = each_begin(&c, "[]", &each);
	ck_assert_str_eq(rig_line(child.socket), "plan 2\n");
	ck_assert_int_eq(read(child.output, start, 6), 6);
	ck_assert_str_eq(start, "start\n");
	ck_assert_int_eq(send(child.socket, "stop\n", 5, 0), 5);
	each_ends(&child, 0, "", "");
	stop();
}
END_TEST

static const struct {
	enum job_list list;
	const char *script;
	int status;
	const char *output, *lines;
} FAILING[] = {
	{JOB_ON_START, "exit 3", 1, "",
		"error {\"exception\":\"Drover::ExitStatus\",\"message\":\"on_start: sh exited "
		"with "
		"3\"}\n"},
	{JOB_ON_START, "kill -9 $$", 1, "",
		"error {\"exception\":\"Drover::ExitStatus\",\"message\":\"on_start: sh ended by "
		"SIGKILL\"}\n"},
	{JOB_ON_COMPLETE, "exit 4", 1, "1=1/1\n",
		"error {\"exception\":\"Drover::ExitStatus\",\"message\":\"on_complete: sh exited "
		"with 4\"}\n"},
	{JOB_ON_RESUME, "exit 3", 0, "1=1/1\n", ""},
};

START_TEST(hook_fails)
{
	struct job_class_source c = each_function("item_print");
	struct rig_each each;

	c.lists[JOB_ENV] = command(NULL).lists[JOB_ENV];
	c.lists[FAILING[_i].list] = SHELL(FAILING[_i].script);
	each_open();
	each = each_range(1);
	each_performs(&c, &each, FAILING[_i].status, FAILING[_i].output, FAILING[_i].lines);
	stop();
}
END_TEST

START_TEST(interrupt_hook_fails)
{
	struct job_class_source c = each_function("item_noop");
	struct rig_each each;

	c.lists[JOB_ENV] = command(NULL).lists[JOB_ENV];
	c.lists[JOB_ON_INTERRUPT] = SHELL("exit 3");
	each_open();
	each = each_range(2);
	each.source.each.max_items = 1;
	each_performs(&c, &each, 75, "on_interrupt: sh exited with 3\n", "slice\n");
	stop();
}
END_TEST

START_TEST(hook_that_is_not_there)
{
	struct job_class_source c = each_function("item_noop");
	struct rig_each each;

	c.lists[JOB_ON_START] = (char *[]){(char *)(uintptr_t) "/nowhere", NULL};
	each_open();
	each = each_range(2);
	each_performs(&c, &each, 127, "",
		"error {\"exception\":\"Drover::SpawnFailed\",\"message\":\"on_start: /nowhere: No "
		"such file or directory (errno 2)\"}\n");
	stop();
}
END_TEST

/* -- throttle ---------------------------------------------------------------------------------- */

/* Goes from the second time on. */
START_TEST(throttle_says_when)
{
	char path[] = "/tmp/drover-test-XXXXXX", script[200];
	int fd = mkstemp(path);
	struct job_class_source c = each_function("item_print");
	struct rig_each each;
	struct rig_child child;

	snprintf(script, sizeof script,
		"if [ -s %s ]; then exit 0; fi; echo x >%s; echo busy; echo more; exit 1", path,
		path);
	c.lists[JOB_ENV] = command(NULL).lists[JOB_ENV];
	c.lists[JOB_THROTTLE] = SHELL(script);
	each_open();
	each = each_range(2);
	each.source.each.throttle_backoff_ms = 300;
	child = each_begin(&c, "[]", &each);
	each_says(&child, "wait throttle 300 busy\n", NULL);
	each_ends(&child, 0, "1=1/1\n2=2/1\n", "working\n");
	close(fd);
	unlink(path);
	stop();
}
END_TEST

START_TEST(throttle_gives_the_worker_back)
{
	struct job_class_source c = each_function("item_print");
	struct rig_each each;

	c.lists[JOB_ENV] = command(NULL).lists[JOB_ENV];
	c.lists[JOB_THROTTLE] = SHELL("echo replication lag 12 s; exit 1");
	each_open();
	each = each_range(2);
	each.source.each.throttle_backoff_ms = 10000;
	each_performs(&c, &each, 75, "", "wait throttle 10000 replication lag 12 s\n");
	board_says(0, 0, 0, "");
	stop();
}
END_TEST

START_TEST(throttle_that_hangs_is_ended_by_a_stop)
{
	struct job_class_source c = each_function("item_print");
	struct rig_each each;
	struct rig_child child;
	char line[8] = "";

	c.lists[JOB_ENV] = command(NULL).lists[JOB_ENV];
	c.lists[JOB_THROTTLE] = SHELL("echo asked >&2; exec sleep 1000");
	each_open();
	each = each_range(2);
	child = each_begin(&c, "[]", &each);
	ck_assert_int_eq(read(child.output, line, 6), 6);
	board_stop();
	each_ends(&child, 75, "", "");
	stop();
}
END_TEST

/* -- odd filters ------------------------------------------------------------------------------- */

/* Each line would stay in the buffer of a program that prints to a pipe. */
START_TEST(filter_with_a_terminal)
{
	char *argv[] = {(char *)(uintptr_t) "sed", (char *)(uintptr_t) "s/.*/ok & \303\251/", NULL};
	struct job_class_source c = command(argv);
	struct rig_each each;

	c.limits.handler = JOB_EACH;
	each_open();
	each = each_range(3);
	each.source.each.flags |= JOB_EACH_TTY;
	each_performs(&c, &each, 0, "1 \303\251\n2 \303\251\n3 \303\251\n", "");
	board_says(3, 3, 0, "3");
	stop();
}
END_TEST

START_TEST(filter_that_buffers_is_named)
{
	char *argv[] = {(char *)(uintptr_t) "sed", (char *)(uintptr_t) "s/.*/ok/", NULL};
	struct job_class_source c = command(argv);
	struct rig_child child;
	struct rig_each each;
	struct rig_end end;
	char line[200] = "";

	c.limits.handler = JOB_EACH;
	each_open();
	each = each_range(3);
	child = each_begin(&c, "[]", &each);
	ck_assert_int_gt(read(child.output, line, sizeof line - 1), 0);
	ck_assert_str_eq(line, "sed may be buffering its output: flush after each line, or set "
			       "filter_tty\n");
	kill(child.pid, SIGKILL);
	end = rig_await(&child);
	rig_end_fini(&end);
	/* The filter, an orphan now, ends with its input. */
	ck_assert_int_gt(waitpid(-1, NULL, 0), 0);
	stop();
}
END_TEST

START_TEST(filter_that_talks_too_much)
{
	struct job_class_source c =
		each_filter("while read x; do printf 'ok\\nfail this is no answer\\n'; done");
	struct rig_each each;

	each_open();
	each = each_range(2);
	each_performs(&c, &each, 0,
		"the filter prints more than a line an item: the first is its answer\n"
		"fail this is no answer\nfail this is no answer\n",
		"");
	stop();
}
END_TEST

/* What it prints then is no answer. */
START_TEST(filter_sums_up_at_its_end)
{
	struct job_class_source c =
		each_filter("n=0; while read x; do n=$((n+x)); echo ok; done; echo sum $n; exit 2");
	struct rig_each each;

	each_open();
	each = each_range(4);
	each_performs(&c, &each, 0, "sum 10\nsh exited with 2\n", "");
	stop();
}
END_TEST

START_TEST(filter_that_does_not_end)
{
	struct job_class_source c = each_filter("while read x; do echo ok; done; exec sleep 1000");
	struct rig_each each;

	each_open();
	each = each_range(1);
	each_performs(&c, &each, 0, "sh was ended: it went on after the end of its input\n", "");
	stop();
}
END_TEST

static Suite *nursery_each_hooks_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery_each_hooks", &t);

	tcase_set_timeout(t, 30);
	tcase_add_test(t, hooks_stand_around_the_items);
	tcase_add_test(t, part_has_no_hooks);
	tcase_add_test(t, completion_is_the_hook_alone);
	tcase_add_test(t, plan_comes_behind_on_start);
	tcase_add_loop_test(t, hook_fails, 0, COUNT(FAILING));
	tcase_add_test(t, interrupt_hook_fails);
	tcase_add_test(t, hook_that_is_not_there);
	tcase_add_test(t, throttle_says_when);
	tcase_add_test(t, throttle_gives_the_worker_back);
	tcase_add_test(t, throttle_that_hangs_is_ended_by_a_stop);
	tcase_add_test(t, filter_with_a_terminal);
	tcase_add_test(t, filter_that_buffers_is_named);
	tcase_add_test(t, filter_that_talks_too_much);
	tcase_add_test(t, filter_sums_up_at_its_end);
	tcase_add_test(t, filter_that_does_not_end);
	return s;
}

int main(void)
{
	return suite_run(nursery_each_hooks_suite());
}
