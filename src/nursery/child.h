/*
 * nursery/child: the life of a child between the clone and the code of its job. From droverd's
 * side it is: hello, then nothing until the job's message; the job runs only when its limits stand.
 */
#ifndef DROVER_NURSERY_CHILD_H
#define DROVER_NURSERY_CHILD_H

#include "nursery/facts.h"
#include "nursery/function.h"

/* Came with the spawn; each above JOB_FD. */
struct child_descriptors {
	int job, output;
	int cgroup; /* to be entered by the child itself, or -1 */
};

/* `source` NULL: this nursery knows commands alone. */
_Noreturn void child_run(const struct facts *f, const struct child_descriptors *d,
	const struct function_source *source);

#endif
