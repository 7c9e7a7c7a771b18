/*
 * nursery/each/hook: the commands of a class around its items: hooks at the start and the ends, and
 * the one that says whether to go on. In the child of an `each`, between items.
 */
#ifndef DROVER_NURSERY_EACH_HOOK_H
#define DROVER_NURSERY_EACH_HOOK_H

#include "base/err.h"
#include "base/text.h"
#include "nursery/each/marks.h"
#include "wire/job_message.h"

/* Its name, as drover.yml has it. */
const char *hook_name(enum job_list list);

/*
 * Runs the command of a list, if there is one, to its end; what it prints is the job's output. 0: it
 * exited with 0, or there is none; 1 and the sentence: it did not; -1: it cannot be run.
 */
int hook_run(const struct job_message *m, enum job_list list, struct err *err);

/*
 * Asks the throttle command: 1: go; 0: not now, the first line it printed is in `why`, or it was
 * ended for a stop; -1: it cannot be run.
 */
int hook_ask_throttle(
	const struct job_message *m, const struct marks *marks, struct text *why, struct err *err);

#endif
