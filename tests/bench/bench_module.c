/*
 * Functions for the bench: each does as little as can be, so that what is measured is drover.
 * Loaded by drover-nursery-module, run in the child of a job.
 */
#include <drover/job.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int noop(struct drover_job *job)
{
	(void)job;
	return DROVER_DONE;
}

/* Tells the bench a figure through the FIFO $BENCH_STAMPS. */
static int tell(struct drover_job *job, int64_t figure)
{
	int fd = open(getenv("BENCH_STAMPS"), O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, &figure, sizeof figure) != (ssize_t)sizeof figure)
		return drover_error(job, "Bench::Error", "BENCH_STAMPS cannot be written");
	close(fd);
	return DROVER_DONE;
}

/* Arguments: when it was enqueued, nanoseconds of CLOCK_MONOTONIC. Tells how long ago that was. */
static int stamp(struct drover_job *job)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return tell(job, now.tv_sec * INT64_C(1000000000) + now.tv_nsec -
				 json_integer_value(json_array_get(drover_job_args(job), 0)));
}

static int ten_ms(struct drover_job *job)
{
	const struct timespec t = {0, 10 * 1000 * 1000};

	(void)job;
	nanosleep(&t, NULL);
	return DROVER_DONE;
}

/* -- items, and the bare loops beside them ----------------------------------------------------- */

static int item_noop(struct drover_job *job, const struct drover_item *item)
{
	(void)job;
	(void)item;
	return DROVER_DONE;
}

/* The first one of a process tells who it is. */
static int item_ten_ms(struct drover_job *job, const struct drover_item *item)
{
	static bool has_told;

	(void)item;
	if (!has_told && tell(job, getpid()) != DROVER_DONE)
		return DROVER_ABORT;
	has_told = true;
	return ten_ms(job);
}

static int64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static size_t print(char *end, uint64_t n)
{
	char *at = end;

	do
		*--at = (char)('0' + n % 10);
	while (n /= 10);
	return (size_t)(end - at);
}

/* What a range does without drover: a number, its text, a call. Tells its time on a core. */
static int bare_range(struct drover_job *job)
{
	int (*volatile fn)(struct drover_job *, const struct drover_item *) = item_noop;
	json_int_t last = json_integer_value(json_array_get(drover_job_args(job), 0));
	int64_t began_ns = cpu_ns();
	char text[24] = "";

	for (json_int_t number = 1; number <= last; number++) {
		char *end = text + sizeof text - 1;
		struct drover_item item = {.number = (uint64_t)number};

		item.len = print(end, item.number);
		item.text = end - item.len;
		if (fn(job, &item) != DROVER_DONE)
			return DROVER_FAILED;
	}
	return tell(job, cpu_ns() - began_ns);
}

static uint64_t count_lines(int fd)
{
	static char buffer[65536];
	uint64_t lines = 0;
	ssize_t n;

	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		for (const char *p = buffer, *end = buffer + n;
			(p = memchr(p, '\n', (size_t)(end - p))); p++)
			lines++;
	return lines;
}

/* What reading a file takes at least: its lines found. Tells its time on a core. */
static int bare_lines(struct drover_job *job)
{
	json_t *args = drover_job_args(job);
	json_int_t lines = json_integer_value(json_array_get(args, 1));
	int64_t began_ns = cpu_ns();
	int fd = open(json_string_value(json_array_get(args, 0)), O_RDONLY | O_CLOEXEC);

	if (fd < 0 || count_lines(fd) != (uint64_t)lines)
		return drover_error(job, "Bench::Error", "the file has not so many lines");
	close(fd);
	return tell(job, cpu_ns() - began_ns);
}

/* Tells its process id, then sleeps until it is ended. */
static int doze(struct drover_job *job)
{
	int told = tell(job, getpid());

	pause();
	return told;
}

DROVER_MODULE = {
	DROVER_FUNCTION(noop),
	DROVER_FUNCTION(stamp),
	DROVER_FUNCTION(ten_ms),
	DROVER_FUNCTION(doze),
	DROVER_EACH(item_noop),
	DROVER_EACH(item_ten_ms),
	DROVER_FUNCTION(bare_range),
	DROVER_FUNCTION(bare_lines),
	DROVER_END,
};
