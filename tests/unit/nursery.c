/* Both nurseries, as real programs: what a child finds, says and leaves, whoever dies. */
#include "support/nursery_rig.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define SHELL_PATH "PATH=/usr/local/bin:/usr/bin:/bin"

static struct rig rig;

static void start_static(void)
{
	rig_start(&rig, rig_path("drover-nursery"), NULL, NULL);
}

static void start_module(const char *env)
{
	rig_start(&rig, rig_path("drover-nursery-module"), rig_path("tests/sample_module.so"), env);
}

static void stop(void)
{
	ck_assert_int_eq(rig_stop(&rig), 0);
}

static struct job_class_source command(char **argv)
{
	static char *env[] = {(char *)(uintptr_t)SHELL_PATH, NULL};

	return (struct job_class_source){
		.limits = rig_limits(JOB_COMMAND), .argv = argv, .env = env, .directory = "/"};
}

/* What a shell script prints; it must end with `status`. */
static struct rig_end shell(const char *script, int status)
{
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", strdup(script), NULL};
	struct job_class_source c = command(argv);
	struct rig_end end = rig_perform(&rig, &c, SPAN_LIT("[1,\"two\"]"));

	free(argv[2]);
	ck_assert_int_eq(rig_exit_status(&end), status);
	return end;
}

static struct rig_end function(const char *name, const char *args)
{
	struct job_class_source c = {.limits = rig_limits(JOB_FUNCTION), .function = name};

	return rig_perform(&rig, &c, span_of(args));
}

static void shell_prints(const char *script, const char *expected)
{
	struct rig_end end = shell(script, 0);

	ck_assert_str_eq(end.output.data, expected);
	ck_assert_str_eq(end.lines.data, "");
	rig_end_fini(&end);
}

/* -- commands ---------------------------------------------------------------------------------- */

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

	c.env = env;
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

/* -- spares, nonsense -------------------------------------------------------------------------- */

START_TEST(spare_ends_silently)
{
	struct rig_child c;
	struct rig_end end;

	start_static();
	c = rig_spawn(&rig);
	shutdown(c.socket, SHUT_WR);
	end = rig_await(&c);
	ck_assert_int_eq(rig_exit_status(&end), 0);
	ck_assert_uint_eq(end.output.len + end.lines.len, 0);
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(garbage_is_no_job)
{
	struct rig_child c;
	struct rig_end end;

	start_static();
	c = rig_spawn(&rig);
	ck_assert_int_eq(send(c.socket, "GET / HTTP/1.0\r\n", 16, 0), 16);
	end = rig_await(&c);
	ck_assert_int_eq(rig_exit_status(&end), 127);
	ck_assert_ptr_nonnull(strstr(end.lines.data, "Drover::SpawnFailed"));
	rig_end_fini(&end);
	stop();
}
END_TEST

START_TEST(bad_spawns_are_refused)
{
	struct nursery_spawn s = {.message = NURSERY_SPAWN, .worker = 9, .serial = 1234};
	struct nursery_refused r;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	start_static();
	rig_ask(&rig, &s, sizeof s, &null, 1);
	ck_assert_int_eq(recv(rig.socket, &r, sizeof r, 0), sizeof r);
	ck_assert_uint_eq(r.message, NURSERY_REFUSED);
	ck_assert_uint_eq(r.worker, 9);
	ck_assert_uint_eq(r.serial, 1234);
	ck_assert_int_eq(r.error, EBADMSG);
	ck_assert_str_eq(r.stage, "descriptors");
	rig_ask(&rig, "{\"spawn\":1}", 11, (int[]){null, null, null, null}, 4);
	ck_assert_int_eq(recv(rig.socket, &r, sizeof r, 0), sizeof r);
	shell_prints("echo well", "well\n");
	close(null);
	stop();
}
END_TEST

START_TEST(signals_do_not_end_it)
{
	start_static();
	kill(rig.pid, SIGTERM);
	kill(rig.pid, SIGINT);
	shell_prints("echo well", "well\n");
	stop();
}
END_TEST

/* No descriptor of an earlier spawn stays in the nursery or comes into a later child. */
START_TEST(spawns_leave_nothing)
{
	struct rig_child c[20];
	char path[64];
	struct stat st;

	start_static();
	for (int i = 0; i < 20; i++)
		c[i] = rig_spawn(&rig);
	shell_prints("ls /proc/$$/fd", "0\n1\n2\n3\n");
	for (int i = 0; i < 20; i++) {
		struct rig_end end;

		shutdown(c[i].socket, SHUT_WR);
		end = rig_await(&c[i]);
		rig_end_fini(&end);
	}
	snprintf(path, sizeof path, "/proc/%d/fd/4", rig.pid);
	ck_assert_int_eq(stat(path, &st), -1);
	stop();
}
END_TEST

START_TEST(job_survives_its_nursery)
{
	struct job_class_source c;
	struct rig_child child;
	struct rig_end end;
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t) "echo note up >&3; read x <&3; exit 7", NULL};

	start_static();
	c = command(argv);
	child = rig_spawn(&rig);
	rig_send(child.socket, &c, SPAN_LIT("[]"));
	ck_assert_str_eq(rig_line(child.socket), "note up\n");
	kill(rig.pid, SIGKILL);
	ck_assert_int_eq(waitpid(rig.pid, NULL, 0), rig.pid);
	ck_assert_int_eq(send(child.socket, "go\n", 3, 0), 3);
	end = rig_await(&child);
	ck_assert_int_eq(rig_exit_status(&end), 7);
	rig_end_fini(&end);
	close(rig.socket);
}
END_TEST

START_TEST(retired_nursery_buries_nobody)
{
	const uint32_t retire = NURSERY_RETIRE;
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t) "echo note up >&3; read x <&3; exit 7", NULL};
	struct job_class_source c = command(argv);
	struct rig_child child;
	struct rig_end end;
	int status;

	start_static();
	child = rig_spawn(&rig);
	rig_send(child.socket, &c, SPAN_LIT("[]"));
	ck_assert_str_eq(rig_line(child.socket), "note up\n");
	rig_ask(&rig, &retire, sizeof retire, NULL, 0);
	ck_assert_int_eq(waitpid(rig.pid, &status, 0), rig.pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(send(child.socket, "go\n", 3, 0), 3);
	end = rig_await(&child);
	ck_assert_int_eq(rig_exit_status(&end), 7);
	rig_end_fini(&end);
	close(rig.socket);
}
END_TEST

/* Makes a cgroup v2 folder; false where this machine has none for us. */
static bool make_cgroup(char *path, size_t size)
{
	FILE *mounts = fopen("/proc/mounts", "re");
	char line[1000], place[500], type[50];
	bool made = false;

	while (mounts && !made && fgets(line, sizeof line, mounts)) {
		if (sscanf(line, "%*s %499s %49s", place, type) != 2 || strcmp(type, "cgroup2"))
			continue;
		snprintf(path, size, "%s/drover-test-%d", place, getpid());
		made = mkdir(path, 0700) == 0;
	}
	if (mounts)
		fclose(mounts);
	return made;
}

/* Born in it, by clone3; entered by itself, where only clone is there. */
START_TEST(cgroup_of_a_child)
{
	char path[600], expected[100];
	char *argv[] = {(char *)(uintptr_t) "grep",
		(char *)(uintptr_t) "^0::", (char *)(uintptr_t) "/proc/self/cgroup", NULL};
	struct job_class_source c = command(argv);
	struct rig_child child;
	struct rig_end end;
	int folder;

	if (!make_cgroup(path, sizeof path))
		return;
	rig_refuse_clone3 = _i;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	start_static();
	child = rig_spawn_in(&rig, folder);
	ck_assert_int_gt(child.pid, 0);
	rig_send(child.socket, &c, SPAN_LIT("[]"));
	end = rig_await(&child);
	snprintf(expected, sizeof expected, "/drover-test-%d\n", getpid());
	ck_assert_ptr_nonnull(strstr(end.output.data, expected));
	rig_end_fini(&end);
	close(folder);
	ck_assert_int_eq(rmdir(path), 0);
	stop();
}
END_TEST

START_TEST(clone3_refused)
{
	rig_refuse_clone3 = 1;
	start_static();
	for (int i = 0; i < 3; i++)
		shell_prints("ls /proc/$$/fd", "0\n1\n2\n3\n");
	stop();
}
END_TEST

START_TEST(usage_is_64)
{
	char cmd[PATH_MAX + 100];

	snprintf(cmd, sizeof cmd, "%s --lease x </dev/null 2>/dev/null 3</dev/null",
		rig_path("drover-nursery"));
	ck_assert_int_eq(WEXITSTATUS(system(cmd)), 64);
	snprintf(cmd, sizeof cmd, "%s --nonsense 2>/dev/null", rig_path("drover-nursery-module"));
	ck_assert_int_eq(WEXITSTATUS(system(cmd)), 64);
}
END_TEST

/* -- functions --------------------------------------------------------------------------------- */

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

/* -- whoever dies ------------------------------------------------------------------------------ */

/* A supervisor in a process of its own: starts two nurseries and three jobs, says so, and stays. */
static void be_droverd(int ready)
{
	static struct rig other;
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t) "setsid sleep 1000 & echo note up >&3; sleep 1000", NULL};
	struct job_class_source cmd = command(argv), fn;
	struct rig_child c;
	int output;

	rig_start(&other, rig_path("drover-nursery"), NULL, NULL);
	c = rig_spawn(&other);
	rig_send(c.socket, &cmd, SPAN_LIT("[]"));
	ck_assert_str_eq(rig_line(c.socket), "note up\n");
	start_module(NULL);
	c = rig_spawn(&rig);
	fn = (struct job_class_source){
		.limits = rig_limits(JOB_FUNCTION), .function = "fork_daemon"};
	fn.limits.subreaper = 0;
	rig_send(c.socket, &fn, SPAN_LIT("[]"));
	ck_assert_int_eq(waitpid(c.pid, NULL, 0), c.pid);
	output = c.output;
	c = rig_spawn(&rig);
	fn.function = "sleep_forever";
	rig_send(c.socket, &fn, SPAN_LIT("[]"));
	rig_spawn(&rig); /* a spare */
	ck_assert_int_eq(read(output, (char[1]){0}, 1), 1);
	ck_assert_int_eq(write(ready, "r", 1), 1);
	for (;;)
		pause();
}

/*
 * Everything becomes a child of this test, a subreaper, so that "nothing is left" is exact: the
 * last wait says so, and the test would hang where a sleeper lived on. Both nurseries end well,
 * neither at the other's hand.
 */
START_TEST(death_of_droverd_leaves_nothing)
{
	int ready[2], status, well = 0;
	pid_t droverd;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	droverd = fork();
	if (droverd == 0)
		be_droverd(ready[1]);
	ck_assert_int_eq(read(ready[0], (char[1]){0}, 1), 1);
	kill(droverd, SIGKILL);
	while (waitpid(-1, &status, 0) > 0)
		well += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_int_ge(well, 2);
}
END_TEST

static Suite *nursery_suite(void)
{
	Suite *s = suite_create("nursery");
	TCase *t = tcase_create("commands");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, says_hello);
	tcase_add_test(t, arguments_come_on_stdin);
	tcase_add_test(t, large_arguments_do_not_block);
	tcase_add_test(t, stdin_cannot_be_written);
	tcase_add_test(t, environment_is_exactly_this);
	tcase_add_test(t, descriptors_signals_and_group);
	tcase_add_test(t, job_says_lines);
	tcase_add_loop_test(t, what_cannot_start_is_told, 0, sizeof failures / sizeof *failures);
	tcase_add_test(t, missing_interpreter_is_told);
	tcase_add_test(t, limits_stand);
	tcase_add_test(t, another_user);
	suite_add_tcase(s, t);

	t = tcase_create("spawns");
	tcase_set_timeout(t, 30);
	tcase_add_test(t, spare_ends_silently);
	tcase_add_test(t, garbage_is_no_job);
	tcase_add_test(t, bad_spawns_are_refused);
	tcase_add_test(t, signals_do_not_end_it);
	tcase_add_test(t, spawns_leave_nothing);
	tcase_add_test(t, job_survives_its_nursery);
	tcase_add_test(t, retired_nursery_buries_nobody);
	tcase_add_loop_test(t, cgroup_of_a_child, 0, 2);
	tcase_add_test(t, clone3_refused);
	tcase_add_test(t, usage_is_64);
	suite_add_tcase(s, t);

	t = tcase_create("functions");
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, function_calls, 0, sizeof calls / sizeof *calls);
	tcase_add_test(t, functions_are_named);
	tcase_add_test(t, static_nursery_has_no_functions);
	tcase_add_test(t, module_nursery_runs_commands);
	tcase_add_test(t, reused_child);
	tcase_add_test(t, reused_child_is_sent_home);
	tcase_add_test(t, checkpoints_are_answered);
	tcase_add_test(t, memory_limit_of_a_function);
	tcase_add_test(t, cpu_limit_of_a_function);
	tcase_add_test(t, threads_in_a_module);
	tcase_add_loop_test(t, bad_module_is_refused, 0, sizeof bad_modules / sizeof *bad_modules);
	suite_add_tcase(s, t);

	t = tcase_create("ends");
	tcase_set_timeout(t, 30);
	tcase_add_test(t, death_of_droverd_leaves_nothing);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *r = srunner_create(nursery_suite());
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
