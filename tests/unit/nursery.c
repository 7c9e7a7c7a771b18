/* The nursery, a real program: what a command finds, says and leaves. */
#include "support/nursery_jobs.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

START_TEST(says_hello)
{
	char expected[200];

	start_static();
	snprintf(expected, sizeof expected,
		"{\"hello\":{\"protocol\":1,\"kind\":\"c\",\"pid\":%d,\"threads\":1,"
		"\"functions\":[]}}",
		rig.pid);
	ck_assert_str_eq(rig.hello, expected);
	ck_assert_int_eq(getpgid(rig.pid), rig.pid);
	stop();
}
END_TEST

START_TEST(arguments_come_on_stdin)
{
	struct rig_end end;

	start_static();
	end = shell("cat; echo err >&2; exit 5", 5);
	ck_assert_str_eq(end.output.data, "[1,\"two\"]err\n");
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(large_arguments_do_not_block)
{
	char *argv[] = {(char *)(uintptr_t) "wc", (char *)(uintptr_t) "-c", NULL};
	struct job_class_source c = command(argv);
	size_t size = 3 << 20;
	char *args = malloc(size);
	struct rig_end end;

	memset(args, ' ', size);
	start_static();
	end = rig_perform(&rig, &c, (struct span){args, size});
	ck_assert_str_eq(end.output.data, "3145728\n");
	rig_end_fini(&end);
	free(args);
	stop();
}
END_TEST

START_TEST(stdin_cannot_be_written)
{
	struct rig_end end;

	start_static();
	end = shell("echo x 2>&1 1<>/proc/self/fd/0 || cat", 0);
	ck_assert_ptr_nonnull(strstr(end.output.data, "[1,\"two\"]"));
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(environment_is_exactly_this)
{
	char *argv[] = {(char *)(uintptr_t) "env", NULL};
	char *env[] = {(char *)(uintptr_t)SHELL_PATH, (char *)(uintptr_t) "DROVER_JID=mine",
		(char *)(uintptr_t) "A=b=c", NULL};
	struct job_class_source c = command(argv);
	char expected[1000];
	struct rig_end end;

	c.lists[JOB_ENV] = env;
	start_static();
	end = rig_perform(&rig, &c, SPAN_LIT("[]"));
	snprintf(expected, sizeof expected,
		SHELL_PATH "\nA=b=c\nDROVER_JID=jid-1\nDROVER_CLASS=Sample\nDROVER_QUEUE=default\n"
			   "DROVER_ATTEMPT=2\nDROVER_INTERRUPTIONS=1\nDROVER_RECOVERIES=0\n"
			   "DROVER_ORIGIN=retry\nDROVER_FD=3\nDROVER_TOKEN=pool.1.1\n"
			   "DROVER_LEASE=%s\n",
		rig_lease());
	ck_assert_str_eq(end.output.data, expected);
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(descriptors_signals_and_group)
{
	start_static();
	shell_prints("ls /proc/$$/fd", "0\n1\n2\n3\n");
	shell_prints("cat /proc/self/status | grep -E '^Sig(Blk|Ign|Cgt)' | cut -f2 | sort -u",
		"0000000000000000\n");
	shell_prints("ps -o pgid= -p $$ 2>/dev/null | tr -d ' ' | grep -qx $$ || "
		     "test $(cut -d' ' -f5 /proc/$$/stat) = $$ && echo leads",
		"leads\n");
	shell_prints("cat /proc/self/oom_score_adj", "500\n");
	shell_prints("pwd", "/\n");
	stop();
}
END_TEST

/*
 * A raw call: libc keeps 32 and 33 to itself, and its posix_spawn leaves them ignored. SIGCHLD stays
 * as it is: who ignores it has no children to wait for, and the nursery is ours.
 */
START_TEST(ignored_signals_are_not_passed_on)
{
	struct {
		void (*handler)(int);
		unsigned long rest[3];
	} ignore = {.handler = SIG_IGN};

	for (int i = 1; i < NSIG; i++)
		if (i != SIGCHLD)
			syscall(SYS_rt_sigaction, i, &ignore, NULL, NSIG / 8);
	start_static();
	shell_prints("grep SigIgn /proc/self/status | cut -f2", "0000000000000000\n");
	stop();
}
END_TEST

/* The line goes to droverd, as the others do. */
START_TEST(job_says_lines)
{
	struct rig_end end;

	start_static();
	end = shell("echo note hello >&$DROVER_FD", 0);
	ck_assert_str_eq(end.lines.data, "note hello\n");
	rig_end_fini(&end);
	stop();
}
END_TEST

static const struct {
	const char *program, *directory, *message;
} failures[] = {
	{"/nowhere/x", "/", "/nowhere/x: No such file or directory (errno 2)"},
	{"no-such-program", "/", "no-such-program: No such file or directory (errno 2)"},
	{"/etc/passwd", "/", "/etc/passwd: Permission denied (errno 13)"},
	{"/etc", "/", "/etc: Permission denied (errno 13)"},
	{"true", "/nowhere", "/nowhere: No such file or directory (errno 2)"},
	{"", "/", "an empty command: No such file or directory (errno 2)"},
};

START_TEST(what_cannot_start_is_told)
{
	char *argv[] = {strdup(failures[_i].program), NULL};
	struct job_class_source c = command(argv);
	char expected[300];
	struct rig_end end;

	c.directory = failures[_i].directory;
	start_static();
	end = rig_perform(&rig, &c, SPAN_LIT("[]"));
	ck_assert_int_eq(rig_exit_status(&end), 127);
	snprintf(expected, sizeof expected,
		"error {\"exception\":\"Drover::SpawnFailed\",\"message\":\"%s\"}\n",
		failures[_i].message);
	ck_assert_str_eq(end.lines.data, expected);
	rig_end_fini(&end);
	free(argv[0]);
	stop();
}
END_TEST

START_TEST(missing_interpreter_is_told)
{
	char path[] = "/tmp/drover-test-XXXXXX";
	char *argv[] = {path, NULL};
	int fd = mkstemp(path);
	struct job_class_source c = command(argv);
	struct rig_end end;

	ck_assert_int_eq(write(fd, "#!/nowhere/sh\n", 14), 14);
	fchmod(fd, 0700);
	close(fd);
	start_static();
	end = rig_perform(&rig, &c, SPAN_LIT("[]"));
	unlink(path);
	ck_assert_ptr_nonnull(strstr(end.lines.data, "its interpreter is missing"));
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(limits_stand)
{
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t) "ulimit -n; ulimit -c; ulimit -t; ulimit -v; nice", NULL};
	struct job_class_source c = command(argv);
	struct rig_end end;
	int files, core, cpu, niceness;
	long space_kb;

	c.limits.open_files = 123;
	c.limits.core_bytes = 0;
	c.limits.cpu_s = 7;
	c.limits.address_space_bytes = 1UL << 30;
	c.limits.nice = 3;
	start_static();
	end = rig_perform(&rig, &c, SPAN_LIT("[]"));
	ck_assert_int_eq(rig_exit_status(&end), 0);
	ck_assert_int_eq(sscanf(end.output.data, "%d %d %d %ld %d", &files, &core, &cpu, &space_kb,
				 &niceness),
		5);
	ck_assert_int_eq(files, 123);
	ck_assert_int_eq(core, 0);
	ck_assert_int_eq(cpu, 7);
	ck_assert_int_ge(space_kb, 1 << 20);
	ck_assert_int_eq(niceness, getpriority(PRIO_PROCESS, 0) + 3);
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(another_user)
{
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t) "id -u; id -G; cat /proc/self/fd/0", NULL};
	struct job_class_source c = command(argv);
	struct rig_end end;

	if (geteuid() != 0)
		return;
	c.limits.uid = 65534;
	c.limits.gid = 65533;
	start_static();
	end = rig_perform(&rig, &c, SPAN_LIT("[]"));
	ck_assert_str_eq(end.output.data, "65534\n65533\n[]");
	rig_end_fini(&end);
	stop();
}
END_TEST

static Suite *nursery_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery", &t);

	tcase_set_timeout(t, 30);
	tcase_add_test(t, says_hello);
	tcase_add_test(t, arguments_come_on_stdin);
	tcase_add_test(t, large_arguments_do_not_block);
	tcase_add_test(t, stdin_cannot_be_written);
	tcase_add_test(t, environment_is_exactly_this);
	tcase_add_test(t, descriptors_signals_and_group);
	tcase_add_test(t, ignored_signals_are_not_passed_on);
	tcase_add_test(t, job_says_lines);
	tcase_add_loop_test(t, what_cannot_start_is_told, 0, COUNT(failures));
	tcase_add_test(t, missing_interpreter_is_told);
	tcase_add_test(t, limits_stand);
	tcase_add_test(t, another_user);
	return s;
}

int main(void)
{
	return suite_run(nursery_suite());
}
