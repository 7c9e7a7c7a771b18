/* The nursery with modules, a real program: functions, their answers, limits and reuse. */
#include "support/nursery_jobs.h"

#include <signal.h>

static void function_ends(
	const char *name, const char *args, int status, const char *output, const char *lines)
{
	struct rig_end end = function(name, args);

	ck_assert_int_eq(rig_exit_status(&end), status);
	ck_assert_str_eq(end.output.data, output);
	ck_assert_str_eq(end.lines.data, lines);
	rig_end_fini(&end);
}

static const struct {
	const char *name, *args;
	int status;
	const char *output, *lines;
} calls[] = {
	{"noop", "[]", 0, "", ""},
	{"noop", "not looked at", 0, "", ""},
	{"answer", "[0]", 0, "", ""},
	{"answer", "[1]", 1, "", ""},
	{"answer", "[2]", 75, "", ""},
	{"answer", "[3]", 75, "", ""},
	{"answer", "[4]", 1, "", ""},
	{"answer", "[5]", 100, "", ""},
	{"answer", "[-1]", 1, "", ""},
	{"answer", "[1e999]", 100, "",
		"error {\"exception\":\"Drover::BadPayload\","
		"\"message\":\"args: byte 6: real number overflow near '1e999'\"}\n"},
	{"answer", "{}", 100, "",
		"error {\"exception\":\"Drover::BadPayload\",\"message\":\"args: not an "
		"array\"}\n"},
	{"echo_args", "[1, \"x\", 2.5]", 0,
		"jid-1 Sample default retry 2 1 0 - preloaded=1 [1,\"x\",2.5]\n",
		"note echoed twice\nresult {\"a\": 1}\n"},
	{"echo_args", "[123456789012345678901234567890]", 0,
		"jid-1 Sample default retry 2 1 0 - preloaded=1 [1.2345678901234568e29]\n",
		"note echoed twice\nresult {\"a\": 1}\n"},
	{"fail_with_error", "[]", 1, "about to fail\n",
		"error {\"exception\":\"ArgumentError\",\"message\":\"no \\\"such\\\" thing\"}\n"},
	{"crash", "[]", -SIGSEGV, "", ""},
	{"nothing", "[]", 127, "",
		"error {\"exception\":\"Drover::SpawnFailed\","
		"\"message\":\"no module has a function nothing\"}\n"},
};

START_TEST(function_calls)
{
	start_module(NULL);
	function_ends(calls[_i].name, calls[_i].args, calls[_i].status, calls[_i].output,
		calls[_i].lines);
	stop();
}
END_TEST

START_TEST(functions_are_named)
{
	start_module(NULL);
	ck_assert_ptr_nonnull(strstr(rig.hello, "\"functions\":[\"noop\",\"echo_args\","));
	stop();
}
END_TEST

START_TEST(static_nursery_has_no_functions)
{
	start_static();
	function_ends("noop", "[]", 127, "",
		"error {\"exception\":\"Drover::SpawnFailed\","
		"\"message\":\"this nursery has no modules\"}\n");
	stop();
}
END_TEST

START_TEST(module_nursery_runs_commands)
{
	start_module(NULL);
	shell_prints("ls /proc/$$/fd", "0\n1\n2\n3\n");
	stop();
}
END_TEST

START_TEST(reused_child)
{
	struct job_class_source c = {.limits = rig_limits(JOB_FUNCTION), .function = "answer"};
	struct rig_child child;
	struct rig_end end;

	c.limits.reuse = 3;
	c.limits.cpu_s = 5;
	start_module(NULL);
	child = rig_spawn(&rig);
	rig_send(child.socket, &c, SPAN_LIT("[0]"));
	ck_assert_str_eq(rig_line(child.socket), "done 0\n");
	rig_send(child.socket, &c, SPAN_LIT("[2]"));
	ck_assert_str_eq(rig_line(child.socket), "done 75\n");
	rig_send(child.socket, &c, SPAN_LIT("[1]"));
	end = rig_await(&child);
	ck_assert_int_eq(rig_exit_status(&end), 1);
	ck_assert_str_eq(end.lines.data, "");
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(reused_child_is_sent_home)
{
	struct job_class_source c = {.limits = rig_limits(JOB_FUNCTION), .function = "noop"};
	struct rig_child child;
	struct rig_end end;

	c.limits.reuse = 100;
	start_module(NULL);
	child = rig_spawn(&rig);
	rig_send(child.socket, &c, SPAN_LIT("[]"));
	ck_assert_str_eq(rig_line(child.socket), "done 0\n");
	shutdown(child.socket, SHUT_WR);
	end = rig_await(&child);
	ck_assert_int_eq(rig_exit_status(&end), 0);
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(checkpoints_are_answered)
{
	struct job_class_source c = {
		.limits = rig_limits(JOB_FUNCTION), .function = "checkpoint_loop"};
	struct rig_child child;
	struct rig_end end;

	start_module(NULL);
	child = rig_spawn(&rig);
	rig_send(child.socket, &c, SPAN_LIT("[5,0]"));
	for (int i = 1; i <= 3; i++) {
		char expected[32];
		const char *answer = i < 3 ? "go\n" : "stop\n";

		snprintf(expected, sizeof expected, "progress %d 5\n", i);
		ck_assert_str_eq(rig_line(child.socket), expected);
		snprintf(expected, sizeof expected, "cursor %d\n", i);
		ck_assert_str_eq(rig_line(child.socket), expected);
		ck_assert_int_eq(
			send(child.socket, answer, strlen(answer), 0), (ssize_t)strlen(answer));
	}
	end = rig_await(&child);
	ck_assert_int_eq(rig_exit_status(&end), 75);
	rig_end_fini(&end);
	stop();
}
END_TEST

/* A collection that is the job's own code, from its beginning to a stop. */
START_TEST(source_of_ones_own)
{
	struct job_class_source c = {
		.limits = rig_limits(JOB_FUNCTION), .function = "each_of_args"};
	struct rig_child child;
	struct rig_end end;

	start_module(NULL);
	function_ends("each_of_args", "[]", 0, "", "");
	function_ends("each_of_args", "[7]", 1, "", "");
	child = rig_spawn(&rig);
	rig_send(child.socket, &c, SPAN_LIT("[\"a\",\"b\",\"c\"]"));
	ck_assert_str_eq(rig_line(child.socket), "cursor 1\n");
	ck_assert_int_eq(send(child.socket, "go\n", 3, 0), 3);
	ck_assert_str_eq(rig_line(child.socket), "cursor 2\n");
	ck_assert_int_eq(send(child.socket, "stop\n", 5, 0), 5);
	end = rig_await(&child);
	ck_assert_int_eq(rig_exit_status(&end), 75);
	ck_assert_str_eq(end.output.data, "1=a/1\n2=b/1\n");
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(memory_limit_of_a_function)
{
	struct job_class_source c = {.limits = rig_limits(JOB_FUNCTION), .function = "leak"};
	struct rig_end end;

	if (getenv("ASAN_OPTIONS") || strstr(rig_path(""), "build-san"))
		return; /* its shadow memory is larger than any limit */
	c.limits.address_space_bytes = 32 << 20;
	start_module(NULL);
	end = rig_perform(&rig, &c, SPAN_LIT("[]"));
	ck_assert_int_eq(rig_exit_status(&end), 1);
	ck_assert_ptr_nonnull(strstr(end.lines.data, "NoMemoryError"));
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(cpu_limit_of_a_function)
{
	struct job_class_source c = {.limits = rig_limits(JOB_FUNCTION), .function = "spin"};
	struct rig_end end;

	c.limits.cpu_s = 1;
	c.limits.core_bytes = 0;
	start_module(NULL);
	end = rig_perform(&rig, &c, SPAN_LIT("[]"));
	ck_assert_int_eq(rig_exit_status(&end), -SIGXCPU);
	rig_end_fini(&end);
	stop();
}
END_TEST

/* Threads that hold malloc's locks: children come by way of fork(), and are ours all the same. */
START_TEST(threads_in_a_module)
{
	start_module("SAMPLE_THREADS=2");
	ck_assert_ptr_nonnull(strstr(rig.hello, "\"threads\":3"));
	for (int i = 0; i < 200; i++)
		function_ends("answer", "[0]", 0, "", "");
	stop();
}
END_TEST

static const struct {
	const char *module, *env, *why;
} bad_modules[] = {
	{"/nowhere/x.so", NULL, "/nowhere/x.so: No such file or directory"},
	{"/etc/passwd", NULL, "/etc/passwd: "},
	{"tests/old_module.so", NULL, "made for version 42 of job.h, this drover has 1"},
	{"tests/empty_module.so", NULL, "no DROVER_MODULE in it"},
	{"tests/sample_module.so", "SAMPLE_REFUSE=1", "its preload hook returned 1"},
};

START_TEST(bad_module_is_refused)
{
	const char *module = bad_modules[_i].module;
	int null = open("/dev/null", O_WRONLY), kept = dup(2);

	dup2(null, 2);
	rig_start(&rig, rig_path("drover-nursery-module"),
		*module == '/' ? module : rig_path(module), bad_modules[_i].env);
	ck_assert_int_eq(rig_stop(&rig), 1);
	dup2(kept, 2);
	ck_assert_int_eq(strncmp(rig.hello, "{\"failed\":{\"error\":\"/", 21), 0);
	ck_assert_ptr_nonnull(strstr(rig.hello, bad_modules[_i].why));
}
END_TEST

static Suite *nursery_function_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery_function", &t);

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, function_calls, 0, COUNT(calls));
	tcase_add_test(t, functions_are_named);
	tcase_add_test(t, static_nursery_has_no_functions);
	tcase_add_test(t, module_nursery_runs_commands);
	tcase_add_test(t, reused_child);
	tcase_add_test(t, reused_child_is_sent_home);
	tcase_add_test(t, checkpoints_are_answered);
	tcase_add_test(t, source_of_ones_own);
	tcase_add_test(t, memory_limit_of_a_function);
	tcase_add_test(t, cpu_limit_of_a_function);
	tcase_add_test(t, threads_in_a_module);
	tcase_add_loop_test(t, bad_module_is_refused, 0, COUNT(bad_modules));
	return s;
}

int main(void)
{
	return suite_run(nursery_function_suite());
}
