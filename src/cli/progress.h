/*
 * cli/progress: how far a run is, on standard error while it is waited for: a bar on a terminal,
 * else a line each few seconds.
 */
#ifndef DROVER_CLI_PROGRESS_H
#define DROVER_CLI_PROGRESS_H

#include <stdint.h>

#include "cli/cli.h"

struct progress {
	bool terminal;
	size_t width;	 /* of it; 0: not known */
	bool drawn;	 /* a bar stands in the last line */
	int64_t said_ms; /* when the last line was said */
};

void progress_init(struct progress *p);
/* A wait_look_fn; NULL: the bar goes. */
void progress_look(void *ctx, const struct drover_job_info *job);

/* What it says, without what a terminal wants. Pure. */
void progress_write(struct text *out, const struct drover_job_info *job, size_t bar);

#endif
