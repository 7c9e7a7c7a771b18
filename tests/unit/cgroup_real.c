/*
 * supervisor/cgroup against a real cgroup v2 tree, which may have no controllers; skipped, with a
 * word of it, where there is none to write to.
 */
#include "support/cgroup_folder.h"
#include "support/nursery_rig.h"

#include <signal.h>
#include <sys/xattr.h>

static char mounted[300];

/* False, with a word of it, where this machine has no cgroup v2 tree that we may write to. */
static bool make_real(void)
{
	FILE *mounts = fopen("/proc/mounts", "re");
	char line[1000], place[250], type[50];
	bool made = false;

	while (mounts && !made && fgets(line, sizeof line, mounts)) {
		if (sscanf(line, "%*s %249s %49s", place, type) != 2 || strcmp(type, "cgroup2"))
			continue;
		strcpy(mounted, place);
		snprintf(folder, sizeof folder, "%s/drover-unit-%d", place, getpid());
		made = mkdir(folder, 0755) == 0;
	}
	if (mounts)
		fclose(mounts);
	if (!made)
		puts("skipped: no cgroup v2 tree to write to on this machine");
	return made;
}

static void remove_real(void)
{
	ck_assert_msg(rmdir(folder) == 0, "%s: %s", folder, strerror(errno));
}

/* A process that waits to be killed, in a folder. */
static pid_t start_sleeper(const char *where)
{
	int ready[2];
	pid_t pid;
	char byte;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		FILE *f = fopen(where, "we");

		fputs("0", f);
		if (fclose(f) == 0 && write(ready[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void reap_killed(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void clear_for_sure(struct cgroup_leaf *l)
{
	int cleared = 0;

	if (!cgroup_leaf_clear(l, note_cleared, &cleared)) {
		event_base_dispatch(base);
		ck_assert_int_eq(cleared, 1);
	}
	ck_assert(cgroup_leaf_is_empty(l));
}

/* What neither the group nor the parent tells: two generations away, in a session of its own. */
#define SCRIPT "setsid sh -c 'sleep 300 & echo note up >&3; sleep 300' & sleep 300"

static void run_job_in(struct rig *rig, struct cgroup_leaf *l)
{
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t)SCRIPT, NULL};
	char *env[] = {(char *)(uintptr_t) "PATH=/usr/local/bin:/usr/bin:/bin", NULL};
	const struct job_class_source class = {.limits = rig_limits(JOB_COMMAND),
		.lists[JOB_ARGV] = argv,
		.lists[JOB_ENV] = env,
		.directory = "/"};
	struct rig_child child = rig_spawn_in(rig, cgroup_leaf_folder(l, &err));
	struct rig_end end;

	ck_assert_int_gt(child.pid, 0);
	ck_assert(!cgroup_leaf_is_empty(l));
	ck_assert_int_eq(cgroup_leaf_begin(l, 256 << 20, 20, &err), 0);
	rig_send(child.socket, &class, SPAN_LIT("[]"));
	ck_assert_str_eq(rig_line(child.socket), "note up\n");
	kill(child.pid, SIGKILL);
	end = rig_await(&child);
	ck_assert(!cgroup_leaf_is_empty(l));
	clear_for_sure(l);
	while (waitpid(-1, NULL, WNOHANG | __WNOTHREAD) > 0)
		;
	ck_assert_int_ge(cgroup_leaf_cpu_ms(l), 0);
	rig_end_fini(&end);
}

/* As born in the leaf, and as entering it where clone3 is refused; twice in the same leaf. */
START_TEST(trees_end)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l;
	struct rig rig;

	if (!make_real())
		return;
	rig_refuse_clone3 = _i;
	r = cgroup_open(base, folder, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	ck_assert(!r->moved);
	l = cgroup_leaf_new(r, 1, &err);
	ck_assert_msg(l != NULL, "%s", err.text);
	rig_start(&rig, rig_path("drover-nursery"), NULL, NULL);
	run_job_in(&rig, l);
	run_job_in(&rig, l);
	cgroup_leaf_free(l);
	ck_assert(!is_there("worker-1"));
	cgroup_close(r);
	kill(rig.pid, SIGKILL); /* an undertaker would look for what is not there */
	waitpid(rig.pid, NULL, 0);
	close(rig.socket);
	remove_real();
}
END_TEST

START_TEST(what_a_dead_droverd_left_is_ended)
{
	struct cgroup_root *r;
	pid_t left;

	if (!make_real())
		return;
	ck_assert_int_eq(mkdir(below("worker-7"), 0755), 0);
	ck_assert_int_eq(mkdir(below("worker-8"), 0755), 0);
	ck_assert_int_eq(mkdir(below("other"), 0755), 0);
	left = start_sleeper(below("worker-7/cgroup.procs"));
	r = cgroup_open(base, folder, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	ck_assert(!is_there("worker-7") && !is_there("worker-8") && is_there("other"));
	reap_killed(left);
	cgroup_close(r);
	rmdir(below("other"));
	remove_real();
}
END_TEST

/* Freed in the middle of it all: nothing lives on, nothing stays. */
START_TEST(leaf_freed_with_a_job_in_it)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l;
	pid_t job;

	if (!make_real())
		return;
	r = cgroup_open(base, folder, &err);
	l = cgroup_leaf_new(r, 2, &err);
	job = start_sleeper(below("worker-2/cgroup.procs"));
	cgroup_leaf_free(l);
	reap_killed(job);
	cgroup_close(r);
	ck_assert(!is_there("worker-2"));
	remove_real();
}
END_TEST

/* What does not end stays in the old folder: nobody is put beside it. */
START_TEST(leaf_that_still_holds_something)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l;

	if (!make_real())
		return;
	r = cgroup_open(base, folder, &err);
	l = cgroup_leaf_new(r, 2, &err);
	ck_assert_int_eq(mkdir(below("worker-2/kept"), 0755), 0);
	cgroup_leaf_kill(l);
	ck_assert_int_eq(cgroup_leaf_folder(l, &err), -1);
	says("worker-2 still holds something");
	ck_assert_ptr_null(cgroup_leaf_new(r, 2, &err));
	says("worker-2 still holds something");
	rmdir(below("worker-2/kept"));
	ck_assert_int_ge(cgroup_leaf_folder(l, &err), 0);
	cgroup_leaf_free(l);
	cgroup_close(r);
	remove_real();
}
END_TEST

START_TEST(folder_of_others)
{
	pid_t other;

	if (!make_real())
		return;
	other = start_sleeper(below("cgroup.procs"));
	ck_assert_ptr_null(cgroup_open(base, folder, &err));
	says("others' processes stand in");
	ck_assert(!is_there("supervisor"));
	kill(other, SIGKILL);
	reap_killed(other);
	remove_real();
}
END_TEST

START_TEST(root_of_the_machine)
{
	char type[400];

	if (!make_real())
		return;
	remove_real();
	snprintf(type, sizeof type, "%s/cgroup.type", mounted);
	if (access(type, F_OK) == 0) {
		puts("skipped: the root to be seen is a container's");
		return;
	}
	ck_assert_ptr_null(cgroup_open(base, mounted, &err));
	says("is the root of the machine's tree");
}
END_TEST

/* Runs `fn` in a process that stands in `where`; what it asserts comes back as its status. */
static void inside(const char *where, void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		FILE *f = fopen(where, "we");

		fputs("0", f);
		if (fclose(f) != 0)
			_exit(1);
		event_reinit(base);
		fn();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "status %x", (unsigned)status);
}

/* Check's own assertions would not be heard in a process of ours. */
static void must_be(bool is, const char *what)
{
	if (is)
		return;
	fprintf(stderr, "%s (%s)\n", what, err.text);
	_exit(2);
}
#define MUST(is) must_be((is), #is)

static void own_marked(void)
{
	char mine[24];
	struct cgroup_root *r = cgroup_open(base, NULL, &err);

	snprintf(mine, sizeof mine, "%d\n", getpid());
	MUST(r != NULL);
	MUST(strcmp(r->folder, folder) == 0);
	MUST(r->moved);
	MUST(strcmp(get("supervisor/cgroup.procs"), mine) == 0);
	MUST(strcmp(get("cgroup.procs"), "") == 0);
	cgroup_close(r);
	MUST(!is_there("supervisor"));
	MUST(strcmp(get("cgroup.procs"), mine) == 0);
}

static void own_unmarked(void)
{
	MUST(cgroup_open(base, NULL, &err) == NULL);
	MUST(strstr(err.text, "not delegated to us (systemd: Delegate=yes)") != NULL);
	MUST(!is_there("supervisor"));
}

static void own_worker(void)
{
	MUST(cgroup_open(base, NULL, &err) == NULL);
	MUST(strstr(err.text, "is another droverd's leaf") != NULL);
}

/* A service with Delegate=yes that runs as root. */
START_TEST(own_folder_as_root)
{
	if (geteuid() != 0 || !make_real())
		return;
	inside(below("cgroup.procs"), own_unmarked);
	ck_assert_int_eq(setxattr(folder, "user.delegate", "0", 1, 0), 0);
	inside(below("cgroup.procs"), own_unmarked);
	ck_assert_int_eq(setxattr(folder, "user.delegate", "1", 1, 0), 0);
	inside(below("cgroup.procs"), own_marked);
	ck_assert_int_eq(removexattr(folder, "user.delegate"), 0);
	ck_assert_int_eq(setxattr(folder, "trusted.delegate", "1", 1, 0), 0);
	inside(below("cgroup.procs"), own_marked);
	remove_real();
}
END_TEST

/* DelegateSubgroup=supervisor: started one below. */
static void own_subgroup(void)
{
	struct cgroup_root *r = cgroup_open(base, NULL, &err);

	MUST(r != NULL);
	MUST(strcmp(r->folder, folder) == 0);
	MUST(!r->moved);
	cgroup_close(r);
	MUST(is_there("supervisor"));
}

START_TEST(started_in_the_leaf)
{
	if (geteuid() != 0 || !make_real())
		return;
	ck_assert_int_eq(setxattr(folder, "user.delegate", "1", 1, 0), 0);
	ck_assert_int_eq(mkdir(below("supervisor"), 0755), 0);
	inside(below("supervisor/cgroup.procs"), own_subgroup);
	rmdir(below("supervisor"));
	remove_real();
}
END_TEST

START_TEST(droverd_as_a_job)
{
	if (geteuid() != 0 || !make_real())
		return;
	ck_assert_int_eq(mkdir(below("worker-1"), 0755), 0);
	ck_assert_int_eq(setxattr(below("worker-1"), "user.delegate", "1", 1, 0), 0);
	inside(below("worker-1/cgroup.procs"), own_worker);
	rmdir(below("worker-1"));
	remove_real();
}
END_TEST

/* User=nobody, Delegate=yes: the folder and the three files are handed to the user. */
static void own_unprivileged(void)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l;
	pid_t job;

	MUST(setresuid(65534, 65534, 65534) == 0);
	r = cgroup_open(base, NULL, &err);
	MUST(r != NULL);
	MUST(r->moved);
	l = cgroup_leaf_new(r, 1, &err);
	MUST(l != NULL);
	job = start_sleeper(below("worker-1/cgroup.procs"));
	MUST(!cgroup_leaf_is_empty(l));
	clear_for_sure(l);
	MUST(waitpid(job, NULL, 0) == job);
	cgroup_leaf_free(l);
	cgroup_close(r);
	MUST(!is_there("worker-1") && !is_there("supervisor"));
}

static void own_foreign(void)
{
	MUST(setresuid(65534, 65534, 65534) == 0);
	MUST(cgroup_open(base, NULL, &err) == NULL);
	MUST(strstr(err.text, "not delegated to us: Permission denied") != NULL);
}

static void hand_over(const char *where)
{
	static const char *const HANDED[] = {
		"", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"};
	char path[400];

	for (size_t i = 0; i < sizeof HANDED / sizeof *HANDED; i++) {
		snprintf(path, sizeof path, "%s%s", where, HANDED[i]);
		ck_assert_int_eq(chown(path, 65534, 65534), 0);
	}
}

START_TEST(own_folder_without_rights)
{
	if (geteuid() != 0 || !make_real())
		return;
	inside(below("cgroup.procs"), own_foreign);
	hand_over(folder);
	inside(below("cgroup.procs"), own_unprivileged);
	remove_real();
}
END_TEST

static void own_subgroup_unprivileged(void)
{
	MUST(setresuid(65534, 65534, 65534) == 0);
	own_subgroup();
}

START_TEST(started_in_the_leaf_without_rights)
{
	if (geteuid() != 0 || !make_real())
		return;
	ck_assert_int_eq(mkdir(below("supervisor"), 0755), 0);
	hand_over(folder);
	hand_over(below("supervisor"));
	inside(below("supervisor/cgroup.procs"), own_subgroup_unprivileged);
	rmdir(below("supervisor"));
	remove_real();
}
END_TEST

static Suite *cgroup_suite(void)
{
	Suite *s = suite_create("cgroup_real");
	TCase *t = tcase_create("real");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, trees_end, 0, 2);
	tcase_add_test(t, what_a_dead_droverd_left_is_ended);
	tcase_add_test(t, leaf_freed_with_a_job_in_it);
	tcase_add_test(t, leaf_that_still_holds_something);
	tcase_add_test(t, folder_of_others);
	tcase_add_test(t, root_of_the_machine);
	tcase_add_test(t, own_folder_as_root);
	tcase_add_test(t, started_in_the_leaf);
	tcase_add_test(t, droverd_as_a_job);
	tcase_add_test(t, own_folder_without_rights);
	tcase_add_test(t, started_in_the_leaf_without_rights);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *r = srunner_create(cgroup_suite());
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
