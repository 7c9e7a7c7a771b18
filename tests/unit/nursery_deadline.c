/*
 * The nursery, a real program, and the deadline of exclusive jobs: who is ended when it passes, who
 * is not, and that nothing of such a job is left. The test is droverd and writes the scoreboard.
 */
#include "support/nursery_jobs.h"

#include "base/clock.h"
#include "wire/scoreboard.h"

#include <signal.h>
#include <sys/mman.h>

enum { PAGE = 4096, RECORDS = 3, LONG_MS = 1000000 };

static struct scoreboard_header *header;
static int board;

static struct scoreboard_slot *record(uint32_t number)
{
	return (struct scoreboard_slot *)((char *)header + scoreboard_record_at(PAGE, number));
}

static void make_board(int64_t deadline_boot_ms)
{
	size_t size = (size_t)scoreboard_record_at(PAGE, RECORDS + 1);

	board = memfd_create("scoreboard", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(board, (off_t)size), 0);
	header = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, board, 0);
	ck_assert_ptr_ne(header, MAP_FAILED);
	header->magic = SCOREBOARD_MAGIC;
	header->version = SCOREBOARD_VERSION;
	header->page_bytes = PAGE;
	header->records = RECORDS;
	header->deadline_boot_ms = deadline_boot_ms;
}

/* So many processes end: jobs, and what was left of them and so became ours. None is the nursery. */
static void reap(int count)
{
	while (count-- > 0)
		ck_assert_int_ne(waitpid(-1, NULL, 0), rig.pid);
}

/* A shell command that has said that it is up, in a record of its own. */
static struct rig_child begin(uint32_t number, uint32_t flags, const char *script)
{
	static char token[RECORDS + 1][100];
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", strdup(script), NULL};
	struct job_class_source c = command(argv);
	struct scoreboard_slot *s = record(number);
	struct rig_child child;

	snprintf(s->token, sizeof s->token, "pool.1.%u", number);
	snprintf(token[number], sizeof token[number], "%s/pool.1.%u", rig_lease(), number);
	rig_token = token[number];
	s->asked_boot_ms = clock_boot_ms();
	child = rig_spawn(&rig);
	s->hello_boot_ms = clock_boot_ms();
	s->pid = child.pid;
	s->flags = flags;
	header->exclusive += flags & SCOREBOARD_EXCLUSIVE ? 1 : 0;
	rig_send(child.socket, &c, SPAN_LIT("[]"));
	ck_assert_str_eq(rig_line(child.socket), "note up\n");
	free(argv[2]);
	return child;
}

static void watch(void)
{
	const uint32_t word = NURSERY_WATCH;

	rig_ask(&rig, &word, sizeof word, &board, 1);
}

static void is_killed(struct rig_child *child)
{
	struct rig_end end = rig_await(child);

	ck_assert_int_eq(rig_exit_status(&end), -SIGKILL);
	rig_end_fini(&end);
}

static void ends_well(struct rig_child *child)
{
	struct rig_end end;

	ck_assert_int_eq(send(child->socket, "go\n", 3, 0), 3);
	end = rig_await(child);
	ck_assert_int_eq(rig_exit_status(&end), 7);
	rig_end_fini(&end);
}

#define BUSY	  ((uint32_t)SCOREBOARD_BUSY)
#define EXCLUSIVE (BUSY | SCOREBOARD_EXCLUSIVE)
#define WAITS	  "echo note up >&3; read x <&3; exit 7"

/* What it started is orphaned, in a session of its own, and one has washed its environment. */
#define FAMILY                                                                    \
	"(setsid sleep 1000 &); (env -i setsid /bin/sleep 1000 &); sleep 1000 & " \
	"echo note up >&3; exec sleep 1000"

START_TEST(past_the_deadline_only_exclusive_jobs_end)
{
	struct rig_child exclusive, plain, other;

	start_static();
	make_board(clock_boot_ms() - 1);
	exclusive = begin(1, EXCLUSIVE, WAITS);
	plain = begin(2, BUSY, WAITS);
	other = begin(3, EXCLUSIVE, WAITS);
	watch();
	is_killed(&exclusive);
	is_killed(&other);
	ends_well(&plain);
	shell_prints("echo well", "well\n");
	stop();
}
END_TEST

START_TEST(whole_tree_ends)
{
	start_static();
	make_board(clock_boot_ms() - 1);
	begin(1, EXCLUSIVE, FAMILY);
	watch();
	reap(4);
	stop();
}
END_TEST

/* Its main process is gone and waits to be reaped by a droverd that is stopped. */
START_TEST(what_an_ended_one_left_ends)
{
	struct rig_child child;
	siginfo_t info;

	start_static();
	make_board(clock_boot_ms() - 1);
	child = begin(1, EXCLUSIVE, "setsid sleep 1000 & sleep 1000 & echo note up >&3");
	ck_assert_int_eq(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
	watch();
	reap(3);
	stop();
}
END_TEST

START_TEST(deadline_that_moves_is_followed)
{
	struct rig_child child;
	int64_t begun = clock_boot_ms();

	start_static();
	make_board(begun + 200);
	child = begin(1, EXCLUSIVE, WAITS);
	watch();
	header->deadline_boot_ms = begun + 500;
	watch(); /* another job begins: it changes nothing */
	shell_prints("echo well", "well\n");
	is_killed(&child);
	ck_assert_int_ge(clock_boot_ms(), begun + 500);
	stop();
}
END_TEST

START_TEST(watch_ends_and_begins_again)
{
	struct rig_child child;
	int64_t begun = clock_boot_ms();

	start_static();
	make_board(begun + LONG_MS);
	watch(); /* nobody is there: nothing is watched */
	child = begin(1, EXCLUSIVE, WAITS);
	header->deadline_boot_ms = clock_boot_ms() - 1;
	shell_prints("echo well", "well\n");
	ck_assert_int_eq(kill(child.pid, 0), 0);
	watch();
	is_killed(&child);
	stop();
}
END_TEST

/* A number that another process has by now; and one that never was ours. */
START_TEST(another_process_of_that_number_is_spared)
{
	struct rig_child child;

	start_static();
	make_board(clock_boot_ms() - 1);
	child = begin(1, EXCLUSIVE, WAITS);
	record(1)->hello_boot_ms = record(1)->asked_boot_ms -= 10000;
	snprintf(record(1)->token, sizeof record(1)->token, "pool.9.9");
	record(2)->flags = EXCLUSIVE;
	record(2)->pid = getpid();
	watch();
	ends_well(&child);
	stop();
}
END_TEST

/* It was given after the look, under the next deadline. */
START_TEST(job_that_began_meanwhile_is_spared)
{
	struct rig_child late, early;

	start_static();
	make_board(clock_boot_ms() - 1);
	late = begin(1, EXCLUSIVE, WAITS);
	early = begin(2, EXCLUSIVE, WAITS);
	record(1)->given_boot_ms = clock_boot_ms() + LONG_MS;
	watch();
	is_killed(&early);
	ends_well(&late);
	stop();
}
END_TEST

/* droverd was stopped in the middle of writing. */
START_TEST(record_that_is_not_whole_counts)
{
	struct rig_child child;

	start_static();
	make_board(clock_boot_ms() - 1);
	child = begin(1, EXCLUSIVE, WAITS);
	record(1)->sequence = 7;
	watch();
	is_killed(&child);
	stop();
}
END_TEST

START_TEST(end_of_droverd_is_seen_while_it_watches)
{
	struct rig_child child;

	start_static();
	make_board(clock_boot_ms() + LONG_MS);
	child = begin(1, EXCLUSIVE, WAITS);
	watch();
	shell_prints("echo well", "well\n");
	close(rig.socket);
	is_killed(&child);
	ck_assert_int_eq(waitpid(rig.pid, NULL, 0), rig.pid);
}
END_TEST

START_TEST(what_is_no_scoreboard_is_harmless)
{
	const uint32_t word = NURSERY_WATCH;

	start_static();
	make_board(0);
	header->version++;
	watch();
	rig_ask(&rig, &word, sizeof word, NULL, 0);
	board = open("/dev/null", O_RDONLY | O_CLOEXEC);
	watch();
	shell_prints("echo well", "well\n");
	stop();
}
END_TEST

/* The scoreboard is kept while it is watched; a child has nothing of it. */
START_TEST(children_have_no_descriptor_of_it)
{
	struct rig_child child;

	start_static();
	make_board(clock_boot_ms() + LONG_MS);
	child = begin(1, EXCLUSIVE, WAITS);
	watch();
	shell_prints("ls -l /proc/self/fd | grep -c -e scoreboard -e timerfd; true", "0\n");
	shell_prints("grep -c scoreboard /proc/self/maps; true", "0\n");
	ends_well(&child);
	stop();
}
END_TEST

static Suite *nursery_deadline_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery_deadline", &t);

	tcase_set_timeout(t, 30);
	tcase_add_test(t, past_the_deadline_only_exclusive_jobs_end);
	tcase_add_loop_test(t, whole_tree_ends, 0, 4);
	tcase_add_test(t, what_an_ended_one_left_ends);
	tcase_add_test(t, deadline_that_moves_is_followed);
	tcase_add_test(t, watch_ends_and_begins_again);
	tcase_add_test(t, another_process_of_that_number_is_spared);
	tcase_add_test(t, job_that_began_meanwhile_is_spared);
	tcase_add_test(t, record_that_is_not_whole_counts);
	tcase_add_test(t, end_of_droverd_is_seen_while_it_watches);
	tcase_add_test(t, what_is_no_scoreboard_is_harmless);
	tcase_add_test(t, children_have_no_descriptor_of_it);
	return s;
}

int main(void)
{
	return suite_run(nursery_deadline_suite());
}
