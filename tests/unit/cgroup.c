/* supervisor/cgroup against a stand-in of plain files, which has every controller. */
#include "support/cgroup_folder.h"

#include <ftw.h>

#include "base/units.h"

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
