/*
 * each: what one item of an `each` costs in a child, by an empty C function and by a filter that
 * only answers, without droverd and Redis.
 *
 *	each [ITEMS [FILTER_ITEMS]]
 *
 * The filter is this program. A bare round trip between two processes over a socket pair, a line
 * each way, is what a filter is measured against.
 */
#include "support/nursery_each.h"

#include "base/clock.h"

/* A line in, a line out. */
static void answer_lines(int in, int out)
{
	char line[256];

	while (read(in, line, sizeof line) > 0)
		if (write(out, "ok\n", 3) != 3)
			break;
}

static double bare_per_s(int64_t n)
{
	int64_t began_us;
	char answer[16];
	int pair[2];
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		answer_lines(pair[1], pair[1]);
		_exit(0);
	}
	began_us = clock_mono_us();
	for (int64_t i = 0; i < n; i++) {
		ck_assert_int_eq(write(pair[0], "1234567\n", 8), 8);
		ck_assert_int_gt(read(pair[0], answer, sizeof answer), 0);
	}
	began_us = clock_mono_us() - began_us;
	close(pair[0]);
	close(pair[1]);
	waitpid(pid, NULL, 0);
	return (double)n * 1e6 / (double)began_us;
}

static double each_per_s(const struct job_class_source *c, int64_t n)
{
	struct rig_each each = each_range(n);
	int64_t began_us = clock_mono_us();
	struct rig_child child = each_begin(c, "[]", &each);
	struct rig_end end = rig_await(&child);

	began_us = clock_mono_us() - began_us;
	ck_assert_int_eq(rig_exit_status(&end), 0);
	ck_assert_int_eq(board_mark_now().done, n);
	rig_end_fini(&end);
	board_renew();
	return (double)n * 1e6 / (double)began_us;
}

static int64_t items = 10000000, filtered = 200000;
static char self[PATH_MAX];

START_TEST(measure)
{
	char *filter[] = {self, (char *)(uintptr_t) "--answer", NULL};
	struct job_class_source f = each_function("item_noop"), p = command(filter);
	double bare, by_filter;

	p.limits.handler = JOB_EACH;
	each_open();
	printf("each function per_second=%.0f\n", each_per_s(&f, items));
	by_filter = each_per_s(&p, filtered);
	bare = bare_per_s(filtered);
	printf("each filter per_second=%.0f bare=%.0f ratio=%.2f\n", by_filter, bare,
		by_filter / bare);
	stop();
}
END_TEST

/* As a test, for what the rig asserts. */
int main(int argc, char **argv)
{
	TCase *t;
	Suite *s;

	if (argc > 1 && strcmp(argv[1], "--answer") == 0) {
		answer_lines(STDIN_FILENO, STDOUT_FILENO);
		return 0;
	}
	if (argc > 1)
		items = atoll(argv[1]);
	if (argc > 2)
		filtered = atoll(argv[2]);
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		return 1;
	s = suite_with("each", &t);
	tcase_set_timeout(t, 0);
	tcase_add_test(t, measure);
	return suite_run(s);
}
