/*
 * nursery/job_each: goes through a collection that is a job's own code (drover/job.h). In the child,
 * called by a job that is a C function; made of the calls it could make itself.
 */
#include <drover/job.h>

#include "nursery/function.h"

/* Beside what a function returns: the item is passed, go on. */
enum { GO_ON = -1 };

static int perform_next(struct drover_job *job, const struct drover_source *source, void *at,
	uint64_t number, int (*fn)(struct drover_job *, const struct drover_item *))
{
	struct drover_item item = {.number = number};
	int got = source->next(at, &item);
	int answer;

	if (got <= 0)
		return got == 0 ? DROVER_DONE : DROVER_FAILED;
	answer = fn(job, &item);
	if (answer != DROVER_DONE && answer != DROVER_SKIP)
		return answer;
	answer = drover_checkpoint(job, source->cursor(at));
	if (answer < 0)
		return drover_error(job, "Drover::Collection",
			"the cursor of an item cannot be said: 1 to 4,000 bytes, no newline");
	return answer == 0 ? GO_ON : answer;
}

int drover_each(struct drover_job *job, const struct drover_source *source,
	int (*fn)(struct drover_job *, const struct drover_item *))
{
	uint64_t number = 0;
	int answer;
	void *at;

	if (job->item_error)
		return drover_error(job, "Drover::Collection", "an item is no collection");
	at = source->open(job, drover_job_cursor(job));
	if (!at)
		return DROVER_FAILED;
	do
		answer = perform_next(job, source, at, ++number, fn);
	while (answer == GO_ON);
	if (source->close)
		source->close(at);
	return answer;
}
