/*
 * nursery/each/marks: whoever reads a mark finds a whole one, wherever its writer was killed; and a
 * child that is killed anywhere goes on from its mark with at most one item performed twice.
 */
#include "nursery/each/marks.h"

#include "support/nursery_each.h"

#include <inttypes.h>
#include <time.h>

enum { KILLS = 2000, CHILDREN = 25 };

/* -- a writer ---------------------------------------------------------------------------------- */

/* Cursors of every length, whose every byte belongs to its number. */
static size_t cursor_of(int64_t number, char *out)
{
	size_t len = (size_t)((uint64_t)number * 2654435761u % SCOREBOARD_CURSOR_MAX);

	if (number % 4 != 0)
		len %= 40;
	memset(out, 'a' + (int)(number % 26), len);
	return len;
}

_Noreturn static void write_marks(const struct job_each *e)
{
	char cursor[SCOREBOARD_CURSOR_MAX];
	struct marks m;
	struct err err;

	if (marks_open(&m, dup(board.fd), e, (struct span){cursor, cursor_of(e->number, cursor)},
		    &err) != 0)
		_exit(1);
	for (int64_t n = e->number + 1;; n++) {
		marks_begin(&m, n, 1, n, n - e->number);
		marks_pass(&m, n, n - n / 3, n / 3, (struct span){cursor, cursor_of(n, cursor)});
	}
}

static void mark_belongs_together(const struct scoreboard_mark *mark)
{
	char cursor[SCOREBOARD_CURSOR_MAX];
	size_t len = cursor_of(mark->number, cursor);

	ck_assert_int_eq(mark->done, mark->number - mark->number / 3);
	ck_assert_int_eq(mark->errors, mark->number / 3);
	ck_assert_span_eq(
		((struct span){mark->cursor, mark->cursor_len}), ((struct span){cursor, len}));
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Looks on until a moment nobody can know has come. Returns the last number it saw. */
static int64_t look_on(int64_t at_least, int64_t until_us, unsigned *looks, unsigned *seen)
{
	struct scoreboard_mark mark;

	do {
		(*looks)++;
		if (board_mark(&mark)) {
			(*seen)++;
			mark_belongs_together(&mark);
			ck_assert_int_ge(mark.number, at_least);
			at_least = mark.number;
		}
	} while (now_us() < until_us);
	return at_least;
}

/* Killed once it has written something; what it has begun is the mark's number or the next. */
static int64_t kill_writer(const struct job_each *e, unsigned *looks, unsigned *seen)
{
	struct scoreboard_mark mark;
	struct scoreboard_begun begun;
	int64_t last;
	pid_t pid = fork();

	if (pid == 0)
		write_marks(e);
	while (!board_mark(&mark))
		continue;
	last = look_on(e->number, now_us() + random() % 400, looks, seen);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	mark = board_mark_now();
	begun = board_begun();
	mark_belongs_together(&mark);
	ck_assert_int_ge(mark.number, last);
	ck_assert_int_eq(begun.generation, board.generation);
	ck_assert(begun.number == mark.number || begun.number == mark.number + 1);
	return mark.number;
}

START_TEST(writer_is_killed_anywhere)
{
	struct job_each e = {.record = BOARD_RECORD};
	unsigned looks = 0, seen = 0;

	srandom((unsigned)getpid());
	board_open();
	for (int i = 0; i < KILLS; i++) {
		board_renew();
		e.generation = board.generation;
		e.done = e.number - e.number / 3;
		e.errors = e.number / 3;
		e.number = kill_writer(&e, &looks, &seen);
	}
	ck_assert_int_gt(e.number, KILLS);
	ck_assert_int_gt(seen, looks / 2);
}
END_TEST

/* A mark of the start before is none of this one's, however new it is. */
START_TEST(old_marks_do_not_count)
{
	struct job_each e = {.record = BOARD_RECORD, .number = 5, .done = 4, .errors = 1};
	struct scoreboard_mark mark;
	struct marks m;
	struct err err;

	board_open();
	e.generation = board.generation;
	ck_assert_int_eq(marks_open(&m, dup(board.fd), &e, SPAN_LIT("five"), &err), 0);
	for (int64_t n = 6; n < 10; n++)
		marks_pass(&m, n, n, 0, SPAN_LIT("x"));
	marks_close(&m);
	board_renew();
	ck_assert(!board_mark(&mark));
	e.generation = board.generation;
	ck_assert_int_eq(marks_open(&m, dup(board.fd), &e, SPAN_LIT("five"), &err), 0);
	board_says(5, 4, 1, "five");
	ck_assert_int_eq(board_begun().number, 5);
	marks_close(&m);
}
END_TEST

/* -- a child ----------------------------------------------------------------------------------- */

/* How often each item stands in the file; all up to `last` must. */
static int64_t count_repeated(const char *path, int64_t last)
{
	FILE *f = fopen(path, "r");
	unsigned char *times = calloc((size_t)last + 2, 1);
	int64_t repeated = 0, number;

	ck_assert_ptr_nonnull(f);
	while (fscanf(f, "%" SCNd64, &number) == 1) {
		ck_assert_int_ge(number, 1);
		ck_assert_int_le(number, last + 1);
		repeated += times[number]++ > 0;
	}
	for (number = 1; number <= last; number++)
		ck_assert_int_ge(times[number], 1);
	free(times);
	fclose(f);
	return repeated;
}

START_TEST(child_is_killed_anywhere)
{
	char path[] = "/tmp/drover-test-XXXXXX", args[64];
	struct job_class_source c = each_function("item_append");
	struct rig_each each;

	srandom((unsigned)getpid());
	close(mkstemp(path));
	snprintf(args, sizeof args, "[\"%s\"]", path);
	each_open();
	each = each_range(INT64_MAX - 1);
	for (int i = 0; i < CHILDREN; i++) {
		struct rig_child child = each_begin(&c, args, &each);
		int64_t before = each.source.each.number, wanted = before + random() % 3000;
		struct scoreboard_mark mark = {0};
		struct rig_end end;

		while (!board_mark(&mark) || mark.number <= wanted)
			continue;
		kill(child.pid, SIGKILL);
		end = rig_await(&child);
		rig_end_fini(&end);
		each_resume(&each);
	}
	ck_assert_int_le(count_repeated(path, each.source.each.number), CHILDREN);
	unlink(path);
	stop();
}
END_TEST

static Suite *nursery_each_marks_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery_each_marks", &t);

	tcase_set_timeout(t, 120);
	tcase_add_test(t, writer_is_killed_anywhere);
	tcase_add_test(t, old_marks_do_not_count);
	tcase_add_test(t, child_is_killed_anywhere);
	return s;
}

int main(void)
{
	return suite_run(nursery_each_marks_suite());
}
