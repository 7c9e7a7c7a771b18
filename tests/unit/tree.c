/*
 * supervisor/tree and supervisor/strays: processes found below a job, and what an ended job left.
 * The processes are real and wait for us, each in a pipe; the test is their subreaper, as droverd is.
 */
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/process/strays.h"
#include "supervisor/process/tree.h"
#include "support/suite.h"

enum { EATEN = 32 << 20 };

static int alive[2]; /* held open for writing by whoever lives */
static int ready[2]; /* a process writes its pid when it stands */

static void start(void)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(pipe(alive), 0);
	ck_assert_int_eq(pipe(ready), 0);
}

_Noreturn static void stand(void)
{
	pid_t pid = getpid();
	ssize_t n = write(ready[1], &pid, sizeof pid);

	while (n > 0)
		pause();
	_exit(1);
}

static pid_t hear(void)
{
	pid_t pid = 0;

	ck_assert_int_eq(read(ready[0], &pid, sizeof pid), sizeof pid);
	return pid;
}

/* A process with `below` more under it, each the child of the one above. */
static pid_t start_chain(int below)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (below-- > 0)
		if (fork() > 0)
			break;
	stand();
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* All of them are gone when nobody holds the pipe any more. */
static void stop(void)
{
	char c;

	close(alive[1]);
	ck_assert_int_eq(read(alive[0], &c, 1), 0);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* -- tree -------------------------------------------------------------------------------------------- */

struct pids {
	pid_t pids[512];
	size_t n;
};

static void collect(void *ctx, pid_t pid)
{
	struct pids *p = ctx;

	ck_assert_uint_lt(p->n, COUNT(p->pids));
	p->pids[p->n++] = pid;
}

static pid_t only_child_of(pid_t pid)
{
	struct pids p = {.n = 0};

	tree_each_child(pid, collect, &p);
	ck_assert_uint_eq(p.n, 1);
	return p.pids[0];
}

START_TEST(test_children)
{
	struct pids own = {.n = 0}, none = {.n = 0};
	pid_t top = start_chain(2), middle, bottom;

	for (int i = 0; i < 3; i++)
		hear();
	tree_each_own_child(collect, &own);
	ck_assert_uint_eq(own.n, 1);
	ck_assert_int_eq(own.pids[0], top);
	middle = only_child_of(top);
	bottom = only_child_of(middle);
	tree_each_child(bottom, collect, &none);
	ck_assert_uint_eq(none.n, 0);
	end(top);
	end(middle); /* ours now */
	end(bottom);
	own.n = 0;
	tree_each_own_child(collect, &own);
	tree_each_child(top, collect, &own);
	ck_assert_uint_eq(own.n, 0);
}
END_TEST

/* More numbers than one read of the kernel's file gives. */
START_TEST(test_many_children)
{
	enum { MANY = 300 };
	struct pids found = {.n = 0};
	pid_t made[MANY];

	for (int i = 0; i < MANY; i++)
		made[i] = start_chain(0);
	for (int i = 0; i < MANY; i++)
		hear();
	tree_each_own_child(collect, &found);
	ck_assert_uint_eq(found.n, MANY);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(found.pids[i], made[i]);
	for (int i = 0; i < MANY; i++)
		kill(made[i], SIGKILL);
	for (int i = 0; i < MANY; i++)
		waitpid(made[i], NULL, 0);
}
END_TEST

static pid_t start_eater(void)
{
	pid_t pid = fork();

	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	char *p = mmap(NULL, EATEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(p, 1, EATEN);
	stand();
}

START_TEST(test_use)
{
	pid_t small = start_chain(1), eater = start_eater();
	struct tree_use use, below;

	for (int i = 0; i < 3; i++)
		hear();
	tree_measure(eater, true, &use);
	ck_assert_int_ge(use.rss_bytes, EATEN);
	ck_assert_int_eq(use.processes, 1);
	ck_assert_int_ge(tree_measure_pss(eater), EATEN);
	tree_measure(small, true, &use);
	ck_assert_int_eq(use.processes, 2);
	ck_assert_int_lt(tree_measure_pss(small), EATEN);
	tree_measure(getpid(), false, &use);
	tree_measure(small, false, &below);
	ck_assert_int_ge(use.rss_bytes, EATEN + below.rss_bytes);
	ck_assert_int_eq(use.processes, 0); /* nobody asked */
	end(only_child_of(small));
	end(small);
	end(eater);
	tree_measure(eater, true, &use);
	ck_assert_int_eq(use.rss_bytes + use.processes + use.cpu_ms, 0);
	ck_assert_int_eq(tree_measure_pss(eater), 0);
}
END_TEST

START_TEST(test_environ)
{
	pid_t pid = fork();
	char line[8] = "";

	if (pid == 0) {
		char *const argv[] = {
			(char[]){"sh"}, (char[]){"-c"}, (char[]){"echo up; read x"}, NULL};
		char *const env[] = {(char[]){"DROVER_JID=j1"}, (char[]){"EMPTY="}, NULL};

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(alive[0], STDIN_FILENO); /* nobody ever writes there */
		dup2(ready[1], STDOUT_FILENO);
		execve("/bin/sh", argv, env);
		_exit(127);
	}
	ck_assert_int_gt(read(ready[0], line, sizeof line), 0);
	ck_assert(tree_environ_holds(pid, "DROVER_JID=j1"));
	ck_assert(tree_environ_holds(pid, "EMPTY="));
	ck_assert(!tree_environ_holds(pid, "DROVER_JID=j"));
	ck_assert(!tree_environ_holds(pid, "DROVER_JID"));
	end(pid);
	ck_assert(!tree_environ_holds(pid, "DROVER_JID=j1"));
}
END_TEST

/* -- strays ------------------------------------------------------------------------------------------ */

static struct {
	pid_t known, claimed;
	uint64_t oldest, next;
	struct pids killed;
	int done;
} world;

static bool is_known(void *ctx, pid_t pid)
{
	(void)ctx;
	return pid == world.known;
}

static bool is_claimed(void *ctx, pid_t pid)
{
	(void)ctx;
	return pid == world.claimed;
}

static uint64_t oldest_spawn(void *ctx)
{
	(void)ctx;
	return world.oldest;
}

static uint64_t next_spawn(void *ctx)
{
	(void)ctx;
	return world.next;
}

static void killed(void *ctx, pid_t pid)
{
	(void)ctx;
	collect(&world.killed, pid);
}

static const struct strays_events EVENTS = {is_known, is_claimed, oldest_spawn, next_spawn, killed};

static void done(void *arg)
{
	(void)arg;
	world.done++;
}

struct nest {
	struct event_base *base;
	struct strays *strays;
};

static struct nest make_nest(void)
{
	struct nest n = {.base = event_base_new()};

	memset(&world, 0, sizeof world);
	world.oldest = UINT64_MAX;
	world.next = 1;
	n.strays = strays_new(n.base, &EVENTS, NULL);
	return n;
}

static void free_nest(struct nest *n)
{
	strays_free(n->strays);
	event_base_free(n->base);
}

/* The program's own limit of time ends this where it never comes. */
static void until_done(struct nest *n, int times)
{
	while (world.done < times)
		ck_assert_int_eq(event_base_loop(n->base, EVLOOP_ONCE), 0);
}

START_TEST(test_nothing_is_left)
{
	struct nest n = make_nest();

	ck_assert(strays_clear(n.strays, done, NULL));
	world.known = start_chain(0);
	hear();
	ck_assert(strays_clear(n.strays, done, NULL));
	world.claimed = world.known;
	world.known = 0;
	ck_assert(strays_clear(n.strays, done, NULL));
	strays_spawn_answered(n.strays);
	ck_assert_int_eq(world.done, 0);
	ck_assert_uint_eq(world.killed.n, 0);
	end(world.claimed);
	free_nest(&n);
}
END_TEST

/* What dies leaves its own children to us: three rounds for three generations. */
START_TEST(test_a_whole_chain_goes)
{
	struct nest n = make_nest();
	struct pids own = {.n = 0};

	world.known = start_chain(0);
	start_chain(2);
	for (int i = 0; i < 4; i++)
		hear();
	ck_assert(!strays_clear(n.strays, done, NULL));
	until_done(&n, 1);
	ck_assert_uint_ge(world.killed.n, 3);
	tree_each_own_child(collect, &own);
	ck_assert_uint_eq(own.n, 1);
	ck_assert_int_eq(own.pids[0], world.known);
	end(world.known);
	free_nest(&n);
}
END_TEST

START_TEST(test_a_spawn_under_way_is_no_stray)
{
	struct nest n = make_nest();
	pid_t spawned, left;

	world.next = 8;
	world.oldest = 7; /* asked for before the job ended: it may be either of the two */
	spawned = start_chain(0);
	left = start_chain(0);
	hear();
	hear();
	ck_assert(!strays_clear(n.strays, done, NULL));
	strays_spawn_answered(n.strays);
	ck_assert_uint_eq(world.killed.n, 0);
	world.known = spawned;
	world.oldest = 9; /* a later one cannot be a stranger that was seen before it */
	world.next = 10;
	strays_spawn_answered(n.strays);
	ck_assert_uint_eq(world.killed.n, 1);
	ck_assert_int_eq(world.killed.pids[0], left);
	world.oldest = UINT64_MAX;
	until_done(&n, 1);
	ck_assert_int_eq(kill(spawned, 0), 0);
	end(spawned);
	free_nest(&n);
}
END_TEST

START_TEST(test_two_workers_wait)
{
	struct nest n = make_nest();

	world.oldest = 0;
	start_chain(0);
	hear();
	ck_assert(!strays_clear(n.strays, done, NULL));
	ck_assert(!strays_clear(n.strays, done, NULL));
	world.oldest = UINT64_MAX;
	strays_spawn_answered(n.strays);
	until_done(&n, 2);
	free_nest(&n);
}
END_TEST

START_TEST(test_given_up_in_the_middle)
{
	struct nest n = make_nest();
	pid_t pid = start_chain(0);

	world.oldest = 0;
	hear();
	ck_assert(!strays_clear(n.strays, done, NULL));
	free_nest(&n);
	ck_assert_int_eq(world.done, 0);
	end(pid);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("tree", &t);

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, test_children);
	tcase_add_test(t, test_many_children);
	tcase_add_test(t, test_use);
	tcase_add_test(t, test_environ);
	tcase_add_test(t, test_nothing_is_left);
	tcase_add_test(t, test_a_whole_chain_goes);
	tcase_add_test(t, test_a_spawn_under_way_is_no_stray);
	tcase_add_test(t, test_two_workers_wait);
	tcase_add_test(t, test_given_up_in_the_middle);
	return suite_run(s);
}
