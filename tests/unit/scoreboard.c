/* supervisor/scoreboard: what is stored is read by others, while it is written and afterwards. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "supervisor/state/scoreboard.h"
#include "support/suite.h"

static char path[] = "/tmp/drover-board-XXXXXX";
static int folder = -1;
static struct scoreboard *board;

static void set_up(void)
{
	struct err err;

	ck_assert_ptr_nonnull(mkdtemp(path));
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	board = scoreboard_new(folder, "web:12:abcd", 15000, &err);
	ck_assert_ptr_nonnull(board);
}

static void tear_down(void)
{
	scoreboard_free(board);
	unlinkat(folder, SCOREBOARD_FILE, 0);
	close(folder);
	rmdir(path);
	memcpy(path + sizeof path - 7, "XXXXXX", 6);
}

struct seen {
	struct scoreboard_slot slots[8];
	int n;
};

static void see(void *ctx, const struct scoreboard_slot *slot, const struct scoreboard_mark *mark,
	const struct scoreboard_begun *begun)
{
	struct seen *seen = ctx;

	(void)mark, (void)begun;

	ck_assert_int_lt(seen->n, 8);
	seen->slots[seen->n++] = *slot;
}

static struct seen look(void)
{
	struct seen seen = {0};
	struct err err;

	ck_assert_int_eq(scoreboard_read(folder, see, &seen, &err), 0);
	return seen;
}

START_TEST(test_header)
{
	struct scoreboard_header *h =
		mmap(NULL, sizeof *h, PROT_READ, MAP_SHARED, scoreboard_fd(board), 0);

	ck_assert(h != MAP_FAILED);
	ck_assert(scoreboard_is_ours(h));
	ck_assert_str_eq(h->lease, "web:12:abcd");
	ck_assert_int_eq(h->lease_ms, 15000);
	ck_assert_int_eq(h->pid, getpid());
	ck_assert_uint_eq(scoreboard_records(h), 0);
	scoreboard_set_deadline(board, 4711);
	ck_assert_int_eq(scoreboard_deadline_ms(h), 4711);
	scoreboard_place(board, 3);
	ck_assert_uint_eq(scoreboard_records(h), 3);
	scoreboard_place(board, 2);
	ck_assert_uint_eq(scoreboard_records(h), 3);
	munmap(h, sizeof *h);
}
END_TEST

START_TEST(test_the_life_of_a_process)
{
	struct scoreboard_place p = scoreboard_place(board, 2);
	struct scoreboard_header *h = p.header;
	struct seen seen;
	uint32_t generation;

	ck_assert_int_eq(look().n, 0);
	scoreboard_asked(p);
	ck_assert_int_eq(look().n, 0);
	scoreboard_hello(p, 4711);
	seen = look();
	ck_assert_int_eq(seen.n, 1);
	ck_assert_uint_eq(seen.slots[0].number, 2);
	ck_assert_int_eq(seen.slots[0].pid, 4711);
	ck_assert_uint_eq(seen.slots[0].flags, 0);
	ck_assert_int_le(seen.slots[0].asked_boot_ms, seen.slots[0].hello_boot_ms);
	scoreboard_given(p, SPAN_LIT("main~1.1.1"), SPAN_LIT("j1"), true);
	seen = look();
	ck_assert_uint_eq(seen.slots[0].flags, SCOREBOARD_BUSY | SCOREBOARD_EXCLUSIVE);
	ck_assert_str_eq(seen.slots[0].token, "main~1.1.1");
	ck_assert_str_eq(seen.slots[0].jid, "j1");
	generation = seen.slots[0].generation;
	ck_assert_uint_eq(seen.slots[0].sequence % 2, 0);
	ck_assert_uint_eq(scoreboard_exclusive(h), 1);
	scoreboard_job_over(p);
	seen = look();
	ck_assert_uint_eq(seen.slots[0].flags, 0);
	ck_assert_str_eq(seen.slots[0].token, "");
	ck_assert_int_eq(seen.slots[0].pid, 4711);
	ck_assert_uint_eq(scoreboard_exclusive(h), 0);
	scoreboard_given(p, SPAN_LIT("main~1.1.2"), SPAN_LIT("j2"), false);
	ck_assert_uint_gt(look().slots[0].generation, generation);
	ck_assert_uint_eq(scoreboard_exclusive(h), 0);
	scoreboard_gone(p);
	ck_assert_int_eq(look().n, 0);
}
END_TEST

/* More workers come, and nothing that a slot or a child has in hand moves. */
START_TEST(test_it_grows_and_stays_where_it_is)
{
	struct scoreboard_place first = scoreboard_place(board, 1), far;

	scoreboard_hello(first, 11);
	far = scoreboard_place(board, 700);
	ck_assert_ptr_nonnull(far.slot);
	scoreboard_hello(far, 22);
	ck_assert_ptr_eq(scoreboard_place(board, 500).header, first.header);
	ck_assert_int_eq(first.slot->pid, 11);
	ck_assert_int_eq(look().n, 2);
	ck_assert_uint_eq(look().slots[1].number, 700);
	ck_assert_uint_eq((uintptr_t)far.slot % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
}
END_TEST

START_TEST(test_without_a_board)
{
	const struct scoreboard_place none = scoreboard_place(NULL, 1);

	scoreboard_asked(none);
	scoreboard_hello(none, 1);
	scoreboard_given(none, SPAN_LIT("t"), SPAN_LIT("j"), true);
	scoreboard_job_over(none);
	scoreboard_gone(none);
	scoreboard_set_deadline(NULL, 1);
	ck_assert_int_eq(scoreboard_fd(NULL), -1);
	scoreboard_free(NULL);
}
END_TEST

START_TEST(test_what_is_too_long_is_left_out)
{
	struct scoreboard_place p = scoreboard_place(board, 1);
	char token[400];

	memset(token, 't', sizeof token);
	scoreboard_hello(p, 5);
	scoreboard_given(p, (struct span){token, 319}, (struct span){token, 136}, false);
	ck_assert_uint_eq(strlen(look().slots[0].token), 319);
	ck_assert_str_eq(look().slots[0].jid, "");
	scoreboard_given(p, (struct span){token, 320}, SPAN_LIT("j"), false);
	ck_assert_str_eq(look().slots[0].token, "");
}
END_TEST

START_TEST(test_nonsense_is_refused)
{
	struct seen seen = {0};
	struct err err;
	uint32_t magic = 1;

	scoreboard_hello(scoreboard_place(board, 1), 5);
	ck_assert_int_eq(pwrite(scoreboard_fd(board), &magic, sizeof magic, 0), sizeof magic);
	ck_assert_int_eq(scoreboard_read(folder, see, &seen, &err), -1);
	ck_assert_int_eq(ftruncate(scoreboard_fd(board), 100), 0);
	ck_assert_int_eq(scoreboard_read(folder, see, &seen, &err), -1);
	ck_assert_int_eq(seen.n, 0);
	unlinkat(folder, SCOREBOARD_FILE, 0);
	ck_assert_int_eq(scoreboard_read(folder, see, &seen, &err), 0);
}
END_TEST

/* The window of a start: a real process is in it, one made later is not. */
START_TEST(test_a_process_is_told_by_its_start)
{
	struct scoreboard_place p = scoreboard_place(board, 1);
	struct text scratch = {0};
	int64_t tick = process_tick_ms(), start;
	pid_t pid, later;

	scoreboard_asked(p);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	start = process_start_boot_ms(&scratch, pid);
	while (clock_boot_ms() < start + tick) /* else a tick may hold both */
		;
	scoreboard_hello(p, pid);
	while (clock_boot_ms() <= p.slot->hello_boot_ms + tick)
		;
	later = fork();
	if (later == 0)
		for (;;)
			pause();
	ck_assert(scoreboard_started_then(p.slot, start, tick));
	ck_assert(!scoreboard_started_then(p.slot, process_start_boot_ms(&scratch, later), tick));
	ck_assert(!scoreboard_started_then(p.slot, process_start_boot_ms(&scratch, 1), tick));
	ck_assert(!process_is_over(&scratch, pid));
	kill(pid, SIGKILL);
	kill(later, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	ck_assert(process_is_over(&scratch, pid)); /* a zombie */
	waitpid(pid, NULL, 0);
	waitpid(later, NULL, 0);
	ck_assert_int_eq(process_start_boot_ms(&scratch, pid), -1);
	ck_assert(process_is_over(&scratch, pid));
	text_fini(&scratch);
}
END_TEST

int main(void)
{
	TCase *tc;
	Suite *s = suite_with("scoreboard", &tc);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_header);
	tcase_add_test(tc, test_the_life_of_a_process);
	tcase_add_test(tc, test_it_grows_and_stays_where_it_is);
	tcase_add_test(tc, test_without_a_board);
	tcase_add_test(tc, test_what_is_too_long_is_left_out);
	tcase_add_test(tc, test_nonsense_is_refused);
	tcase_add_test(tc, test_a_process_is_told_by_its_start);
	return suite_run(s);
}
