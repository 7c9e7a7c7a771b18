/* The nursery, a real program: whoever is signalled or dies, what is left of the others. */
#include "support/nursery_jobs.h"

#include <signal.h>
#include <sys/stat.h>

START_TEST(signals_do_not_end_it)
{
	start_static();
	kill(rig.pid, SIGTERM);
	kill(rig.pid, SIGINT);
	shell_prints("echo well", "well\n");
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

/* A script that becomes itself over and over, though not for ever; it tells its pid. */
static void write_restless(char *path)
{
	const char text[] = "#!/bin/sh\nn=$1; shift\n"
			    "[ $n -eq 30 ] && echo $$\n"
			    "[ $n -gt 0 ] && exec \"$0\" $((n - 1)) \"$@\"\nexit 9\n";
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
	ck_assert_int_eq(fchmod(fd, 0700), 0);
	close(fd);
}

/* The more arguments, the longer an exec takes: these are for some 20 ms without environment. */
static void be_droverd_of_restless(int ready, const char *path)
{
	char script[200];
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", script, NULL};
	struct job_class_source c = command(argv);
	struct rig_child child;
	pid_t pid;

	snprintf(script, sizeof script,
		"ulimit -s 65536; setsid %s 30 $(yes 1 | head -n 400000) & sleep 1000", path);
	start_static();
	child = rig_spawn(&rig);
	rig_send(child.socket, &c, SPAN_LIT("[]"));
	pid = atoi(rig_line(child.output));
	ck_assert_int_eq(write(ready, &pid, sizeof pid), sizeof pid);
	for (;;)
		pause();
}

static void await_no_environment(pid_t pid)
{
	char path[64], byte;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/environ", pid);
	do {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		ck_assert_int_ge(fd, 0);
		n = read(fd, &byte, 1);
		close(fd);
	} while (n > 0);
}

/* In the middle of an exec a process has no environment to be known by. Four times, for some get by. */
START_TEST(death_of_droverd_leaves_nothing_in_exec)
{
	char path[] = "/tmp/drover-test-XXXXXX";
	int ready[2], status, survived = 0;
	pid_t droverd, restless;

	write_restless(path);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	droverd = fork();
	if (droverd == 0)
		be_droverd_of_restless(ready[1], path);
	ck_assert_int_eq(read(ready[0], &restless, sizeof restless), sizeof restless);
	await_no_environment(restless);
	kill(droverd, SIGKILL);
	while (waitpid(-1, &status, 0) > 0)
		survived += WIFEXITED(status) && WEXITSTATUS(status) == 9;
	unlink(path);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_int_eq(survived, 0);
}
END_TEST

static Suite *nursery_death_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery_death", &t);

	tcase_set_timeout(t, 30);
	tcase_add_test(t, signals_do_not_end_it);
	tcase_add_test(t, job_survives_its_nursery);
	tcase_add_test(t, retired_nursery_buries_nobody);
	tcase_add_test(t, death_of_droverd_leaves_nothing);
	tcase_add_loop_test(t, death_of_droverd_leaves_nothing_in_exec, 0, 4);
	return s;
}

int main(void)
{
	return suite_run(nursery_death_suite());
}
