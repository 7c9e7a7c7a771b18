/*
 * nursery/each/program: starts and ends a program beside the loop: the filter, a hook, a throttle
 * command. In the child of an `each`. It has the job's environment, folder and limits and is of its
 * process group, but knows nothing of drover: the job socket is not open in it.
 */
#ifndef DROVER_NURSERY_EACH_PROGRAM_H
#define DROVER_NURSERY_EACH_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/job_message.h"

struct program {
	pid_t pid;  /* 0: none */
	int held;   /* its pidfd */
	int status; /* of waitpid, once it is over */
};

/* `in`, `out`: its standard input and output; -1: as ours. -1 and why it cannot be run. */
int program_start(struct program *p, const struct job_message *m, const char *const *argv, int in,
	int out, struct err *err);

/* Waits so long at most; -1: for ever. True: it is over, and reaped. */
bool program_is_over(struct program *p, int timeout_ms);

/* Ends it at once, if it is not over. */
void program_kill(struct program *p);

/* "exited with 3", "ended by SIGSEGV". */
void program_add_end(struct text *out, const struct program *p);

/* A pipe whose ends are closed on exec; that of ours, 0 to read or 1 to write, does not block. */
int program_pipe(int ends[2], int ours, struct err *err);

#endif
