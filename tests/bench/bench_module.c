/*
 * Functions for the bench: each does as little as can be, so that what is measured is drover.
 * Loaded by drover-nursery-module, run in the child of a job.
 */
#include <drover/job.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
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
	DROVER_END,
};
