/*
 * A module of the demo: jobs as C functions. It is loaded once, by the nursery; each job runs in a
 * child of its own, so a crash here ends that job and nothing else.
 */
#include <drover/job.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* args: [TEXT] */
static int count_words(struct drover_job *job)
{
	const char *text = json_string_value(json_array_get(drover_job_args(job), 0));
	int words = 0;

	if (!text)
		return drover_error(job, "ArgumentError", "a text is due");
	for (const char *p = text; *p; p++)
		words +=
			!isspace((unsigned char)*p) && (p == text || isspace((unsigned char)p[-1]));
	printf("%d words\n", words);
	return DROVER_DONE;
}

/* A bug, as it happens. */
static int crash(struct drover_job *job)
{
	(void)job;
	printf("about to do something silly\n");
	fflush(stdout);
	abort();
}

DROVER_MODULE = {
	DROVER_FUNCTION(count_words),
	DROVER_FUNCTION(crash),
	DROVER_END,
};
