/* The nursery, a real program: how children are made, and what is no spawn. */
#include "support/nursery_jobs.h"

#include <sys/stat.h>

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

static Suite *nursery_spawn_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery_spawn", &t);

	tcase_set_timeout(t, 30);
	tcase_add_test(t, spare_ends_silently);
	tcase_add_test(t, garbage_is_no_job);
	tcase_add_test(t, bad_spawns_are_refused);
	tcase_add_test(t, spawns_leave_nothing);
	tcase_add_loop_test(t, cgroup_of_a_child, 0, 2);
	tcase_add_test(t, clone3_refused);
	tcase_add_test(t, usage_is_64);
	return s;
}

int main(void)
{
	return suite_run(nursery_spawn_suite());
}
