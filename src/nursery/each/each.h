/* nursery/each: what runs in the child of a job that iterates (JOB_EACH), from its limits on. */
#ifndef DROVER_NURSERY_EACH_EACH_H
#define DROVER_NURSERY_EACH_EACH_H

#include <stddef.h>

#include "nursery/function.h"
#include "wire/job_message.h"

/* `fds` came with the message: the scoreboard, then the stream. `source` NULL: filters alone. */
_Noreturn void each_run(const struct job_message *m, const int *fds, size_t n_fds,
	const struct function_source *source);

#endif
