/*
 * supervisor/cgroup: against a stand-in of plain files, which has every controller, and against a
 * real cgroup v2 tree where there is one to write to, which may have none.
 */
#include "support/nursery_rig.h"

#include <event2/event.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/units.h"
#include "supervisor/cgroup.h"

static struct event_base *base;
static char folder[300];
static struct err err;

static void set_up(void)
{
	base = event_base_new();
}

static void tear_down(void)
{
	event_base_free(base);
}

static const char *below(const char *name)
{
	static char paths[4][1000];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(below(name), "we");

	ck_assert_msg(f != NULL, "%s: %s", below(name), strerror(errno));
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

static const char *get(const char *name)
{
	static char bytes[4][1000];
	static int next;
	char *text = bytes[next++ % 4];
	FILE *f = fopen(below(name), "re");

	text[f ? fread(text, 1, sizeof bytes[0] - 1, f) : 0] = '\0';
	if (f)
		fclose(f);
	return text;
}

static bool is_there(const char *name)
{
	return access(below(name), F_OK) == 0;
}

static void says(const char *part)
{
	ck_assert_msg(strstr(err.text, part) != NULL, "\"%s\" lacks \"%s\"", err.text, part);
}

/* -- a stand-in ------------------------------------------------------------------------------------ */

static void put_us(const char *name)
{
	char pid[24];

	snprintf(pid, sizeof pid, "%d\n", getpid());
	put(name, pid);
}

static void make_stand_in(const char *controllers)
{
	strcpy(folder, "/tmp/drover-cgroup-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	put("cgroup.type", "domain\n");
	put("cgroup.kill", "");
	put_us("cgroup.procs");
	put("cgroup.controllers", controllers);
	put("cgroup.subtree_control", "");
	ck_assert_int_eq(mkdir(below("supervisor"), 0700), 0);
	put("supervisor/cgroup.procs", "");
}

static void make_stand_in_leaf(void)
{
	ck_assert_int_eq(mkdir(below("worker-3"), 0700), 0);
	put("worker-3/cgroup.kill", "");
	put("worker-3/cgroup.events", "populated 0\nfrozen 0\n");
	put("worker-3/cpu.stat", "usage_usec 1234567\nuser_usec 1\n");
	put("worker-3/memory.max", "max\n");
	put("worker-3/memory.swap.max", "max\n");
	put("worker-3/memory.oom.group", "0\n");
	put("worker-3/memory.current", "4096\n");
	put("worker-3/memory.events", "low 0\nhigh 0\nmax 7\noom 5\noom_kill 6\n");
	put("worker-3/pids.max", "max\n");
	put("worker-3/pids.events", "max 9\n");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st, (void)kind, (void)where;
	return remove(path);
}

static void remove_stand_in(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct cgroup_leaf *open_stand_in(struct cgroup_root **r)
{
	struct cgroup_leaf *l;

	make_stand_in("cpuset cpu io memory pids\n");
	*r = cgroup_open(base, folder, &err);
	ck_assert_msg(*r != NULL, "%s", err.text);
	make_stand_in_leaf();
	l = cgroup_leaf_new(*r, 3, &err);
	ck_assert_msg(l != NULL, "%s", err.text);
	return l;
}

static void close_stand_in(struct cgroup_root *r, struct cgroup_leaf *l)
{
	cgroup_leaf_free(l);
	cgroup_close(r);
	remove_stand_in();
}

START_TEST(taken_and_given_back)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);

	ck_assert(r->memory && r->pids && r->moved);
	ck_assert_uint_eq(r->lacks.len, 0);
	ck_assert_str_eq(get("supervisor/cgroup.procs"), "0");
	ck_assert_str_eq(get("cgroup.subtree_control"), "+pids"); /* the last of two writes */
	ck_assert_str_eq(get("worker-3/memory.oom.group"), "1");
	cgroup_leaf_free(l);
	cgroup_close(r);
	ck_assert_str_eq(get("cgroup.subtree_control"), "-pids");
	ck_assert_str_eq(get("cgroup.procs"), "0");
	remove_stand_in();
}
END_TEST

START_TEST(limits_are_set)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);

	ck_assert(!cgroup_leaf_holds_memory(l));
	ck_assert_int_eq(cgroup_leaf_begin(l, 512 << 20, 64, &err), 0);
	ck_assert_str_eq(get("worker-3/memory.max"), "536870912");
	ck_assert_str_eq(get("worker-3/memory.swap.max"), "0");
	ck_assert_str_eq(get("worker-3/pids.max"), "64");
	ck_assert(cgroup_leaf_holds_memory(l) && cgroup_leaf_holds_processes(l));
	ck_assert_int_eq(cgroup_leaf_begin(l, UNITS_NONE, UNITS_NONE, &err), 0);
	ck_assert_str_eq(get("worker-3/memory.max"), "max");
	ck_assert_str_eq(get("worker-3/memory.swap.max"), "max");
	ck_assert_str_eq(get("worker-3/pids.max"), "max");
	ck_assert(!cgroup_leaf_holds_memory(l) && !cgroup_leaf_holds_processes(l));
	close_stand_in(r, l);
}
END_TEST

/* The class of the last job is the class of the next, mostly. */
START_TEST(same_limits_are_not_written_again)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);

	ck_assert_int_eq(cgroup_leaf_begin(l, 1000, 2, &err), 0);
	put("worker-3/memory.max", "untouched");
	put("worker-3/pids.max", "untouched");
	ck_assert_int_eq(cgroup_leaf_begin(l, 1000, 2, &err), 0);
	ck_assert_str_eq(get("worker-3/memory.max"), "untouched");
	ck_assert_str_eq(get("worker-3/pids.max"), "untouched");
	close_stand_in(r, l);
}
END_TEST

START_TEST(kernel_without_swap)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);

	unlink(below("worker-3/memory.swap.max"));
	ck_assert_int_eq(cgroup_leaf_begin(l, 1000, UNITS_NONE, &err), 0);
	ck_assert(cgroup_leaf_holds_memory(l));
	close_stand_in(r, l);
}
END_TEST

/* A limit that could not be written is not held, and is written at the next occasion. */
START_TEST(limit_refused)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);

	unlink(below("worker-3/memory.max"));
	ck_assert_int_eq(cgroup_leaf_begin(l, 1000, UNITS_NONE, &err), -1);
	ck_assert_str_eq(err.text, "worker-3/memory.max: No such file or directory");
	ck_assert(!cgroup_leaf_holds_memory(l));
	put("worker-3/memory.max", "max");
	ck_assert_int_eq(cgroup_leaf_begin(l, 1000, UNITS_NONE, &err), 0);
	ck_assert_str_eq(get("worker-3/memory.max"), "1000");
	close_stand_in(r, l);
}
END_TEST

START_TEST(hits_are_differences)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);
	struct cgroup_hits hits;

	cgroup_leaf_begin(l, 1000, 2, &err);
	cgroup_leaf_hits(l, &hits);
	ck_assert_int_eq(hits.memory + hits.oom_kills + hits.processes, 0);
	put("worker-3/memory.events", "low 0\nhigh 0\nmax 90\noom 6\noom_kill 8\n");
	put("worker-3/pids.events", "max 12\n");
	cgroup_leaf_hits(l, &hits);
	ck_assert_int_eq(hits.memory, 1);
	ck_assert_int_eq(hits.oom_kills, 2);
	ck_assert_int_eq(hits.processes, 3);
	cgroup_leaf_begin(l, 1000, 2, &err);
	cgroup_leaf_hits(l, &hits);
	ck_assert_int_eq(hits.memory + hits.oom_kills + hits.processes, 0);
	close_stand_in(r, l);
}
END_TEST

START_TEST(use)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);

	ck_assert_int_eq(cgroup_leaf_memory_now(l), 4096);
	ck_assert_int_eq(cgroup_leaf_cpu_ms(l), 1234);
	ck_assert_int_eq(cgroup_leaf_memory_peak(l), -1); /* no such file on this kernel */
	close_stand_in(r, l);
}
END_TEST

START_TEST(controllers_that_are_not_there)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l;
	struct cgroup_hits hits;

	make_stand_in("cpu pids2 hugetlb\n");
	r = cgroup_open(base, folder, &err);
	ck_assert_ptr_nonnull(r);
	ck_assert(!r->memory && !r->pids);
	ck_assert_str_eq(r->lacks.data,
		"memory: not among its controllers; pids: not among its controllers");
	make_stand_in_leaf();
	l = cgroup_leaf_new(r, 3, &err);
	ck_assert_int_eq(cgroup_leaf_begin(l, 1000, 2, &err), 0);
	ck_assert(!cgroup_leaf_holds_memory(l) && !cgroup_leaf_holds_processes(l));
	ck_assert_str_eq(get("worker-3/memory.max"), "max\n");
	cgroup_leaf_hits(l, &hits);
	ck_assert_int_eq(hits.memory + hits.oom_kills + hits.processes, 0);
	close_stand_in(r, l);
}
END_TEST

static void note_cleared(void *arg, bool empty)
{
	*(int *)arg = empty ? 1 : 2;
}

START_TEST(clearing_waits_until_it_is_empty)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);
	int cleared = 0;

	ck_assert(cgroup_leaf_clear(l, note_cleared, &cleared));
	ck_assert_str_eq(get("worker-3/cgroup.kill"), "");
	put("worker-3/cgroup.events", "populated 1\nfrozen 0\n");
	ck_assert(!cgroup_leaf_clear(l, note_cleared, &cleared));
	ck_assert_str_eq(get("worker-3/cgroup.kill"), "1");
	put("worker-3/cgroup.kill", "");
	while (*get("worker-3/cgroup.kill") == '\0') /* killed again at each look */
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(cleared, 0);
	put("worker-3/cgroup.events", "populated 0\nfrozen 0\n");
	event_base_dispatch(base);
	ck_assert_int_eq(cleared, 1);
	close_stand_in(r, l);
}
END_TEST

START_TEST(clearing_is_forgotten_with_its_leaf)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);
	int cleared = 0;

	put("worker-3/cgroup.events", "populated 1\nfrozen 0\n");
	ck_assert(!cgroup_leaf_clear(l, note_cleared, &cleared));
	cgroup_leaf_free(l);
	ck_assert_int_eq(event_base_dispatch(base), 1); /* nothing to wait for */
	ck_assert_int_eq(cleared, 0);
	put("worker-3/cgroup.events", "populated 0\n");
	cgroup_close(r);
	remove_stand_in();
}
END_TEST

/* What was set in the old folder is set in the new one, and what it counted is forgotten. */
START_TEST(folder_is_made_anew_after_a_kill)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);
	struct cgroup_hits hits;
	int fd = cgroup_leaf_folder(l, &err);

	ck_assert_int_eq(cgroup_leaf_begin(l, 1000, 2, &err), 0);
	ck_assert_int_eq(cgroup_leaf_folder(l, &err), fd);
	put("worker-3/memory.max", "untouched");
	cgroup_leaf_kill(l);
	ck_assert_int_ge(cgroup_leaf_folder(l, &err), 0);
	ck_assert(!cgroup_leaf_holds_memory(l) && !cgroup_leaf_holds_processes(l));
	ck_assert_int_eq(cgroup_leaf_begin(l, 1000, 2, &err), 0);
	ck_assert_str_eq(get("worker-3/memory.max"), "1000");
	cgroup_leaf_hits(l, &hits);
	ck_assert_int_eq(hits.memory + hits.oom_kills + hits.processes, 0);
	close_stand_in(r, l);
}
END_TEST

START_TEST(peak_that_can_be_reset)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);

	put("worker-3/memory.peak", "9000\n");
	cgroup_leaf_kill(l);
	ck_assert_int_ge(cgroup_leaf_folder(l, &err), 0);
	cgroup_leaf_begin(l, 10000, 2, &err);
	ck_assert_str_eq(get("worker-3/memory.peak"), "reset");
	put("worker-3/memory.peak", "7000\n");
	ck_assert_int_eq(cgroup_leaf_memory_peak(l), 7000);
	close_stand_in(r, l);
}
END_TEST

/* Before kernel 6.12: a peak that an earlier job reached says nothing of this one. */
START_TEST(peak_that_stays)
{
	struct cgroup_root *r;
	struct cgroup_leaf *l = open_stand_in(&r);

	ck_assert_int_eq(symlink("/proc/self/oom_score", below("worker-3/memory.peak")), 0);
	cgroup_leaf_kill(l);
	ck_assert_int_ge(cgroup_leaf_folder(l, &err), 0);
	cgroup_leaf_begin(l, 10000, 2, &err);
	ck_assert_int_eq(cgroup_leaf_memory_peak(l), -1);
	close_stand_in(r, l);
}
END_TEST

static const struct {
	const char *file, *text; /* text NULL: the file is missing */
	const char *error;
} unfit[] = {
	{"cgroup.procs", NULL, "is no cgroup v2 folder"},
	{"cgroup.type", NULL, "is the root of the machine's tree"},
	{"cgroup.type", "threaded\n", "for threads"},
	{"cgroup.type", "domain threaded\n", "for threads"},
	{"cgroup.type", "domain invalid\n", "for threads"},
	{"cgroup.kill", NULL, "no cgroup.kill"},
	{"cgroup.procs", "1\n", "others' processes stand in"},
	{"cgroup.procs", "0\n", "others' processes stand in"},
};

START_TEST(unfit_folders_are_left_alone)
{
	make_stand_in("memory pids\n");
	if (unfit[_i].text)
		put(unfit[_i].file, unfit[_i].text);
	else
		unlink(below(unfit[_i].file));
	ck_assert_ptr_null(cgroup_open(base, folder, &err));
	says(unfit[_i].error);
	ck_assert_str_eq(get("cgroup.subtree_control"), "");
	ck_assert_str_eq(get("supervisor/cgroup.procs"), "");
	remove_stand_in();
}
END_TEST

START_TEST(one_droverd_a_folder)
{
	struct cgroup_root *r;

	make_stand_in("memory pids\n");
	r = cgroup_open(base, folder, &err);
	ck_assert_ptr_nonnull(r);
	ck_assert_ptr_null(cgroup_open(base, folder, &err));
	says("another droverd uses");
	ck_assert_str_eq(get("cgroup.subtree_control"), "+pids");
	cgroup_close(r);
	put_us("cgroup.procs");
	r = cgroup_open(base, folder, &err);
	ck_assert_ptr_nonnull(r);
	cgroup_close(r);
	remove_stand_in();
}
END_TEST

START_TEST(no_folder)
{
	ck_assert_ptr_null(cgroup_open(base, "/nowhere/at/all", &err));
	says("/nowhere/at/all: No such file or directory");
	ck_assert_ptr_null(cgroup_open(base, "/etc", &err));
	says("/etc is no cgroup v2 folder");
}
END_TEST

/* -- a real tree ----------------------------------------------------------------------------------- */

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
	const struct job_class_source class = {
		.limits = rig_limits(JOB_COMMAND), .argv = argv, .env = env, .directory = "/"};
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
	Suite *s = suite_create("cgroup");
	TCase *t = tcase_create("stand-in");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, taken_and_given_back);
	tcase_add_test(t, limits_are_set);
	tcase_add_test(t, same_limits_are_not_written_again);
	tcase_add_test(t, kernel_without_swap);
	tcase_add_test(t, limit_refused);
	tcase_add_test(t, hits_are_differences);
	tcase_add_test(t, use);
	tcase_add_test(t, controllers_that_are_not_there);
	tcase_add_test(t, clearing_waits_until_it_is_empty);
	tcase_add_test(t, clearing_is_forgotten_with_its_leaf);
	tcase_add_test(t, folder_is_made_anew_after_a_kill);
	tcase_add_test(t, peak_that_can_be_reset);
	tcase_add_test(t, peak_that_stays);
	tcase_add_loop_test(t, unfit_folders_are_left_alone, 0, sizeof unfit / sizeof *unfit);
	tcase_add_test(t, one_droverd_a_folder);
	tcase_add_test(t, no_folder);
	suite_add_tcase(s, t);

	t = tcase_create("real");
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
