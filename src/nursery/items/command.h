/*
 * nursery/items/command: a command that prints a collection. In the child, whose child it is. It
 * leads a group of its own: what a job is told by a signal to its group must not cut off what is
 * printed. It dies with us.
 */
#ifndef DROVER_NURSERY_ITEMS_COMMAND_H
#define DROVER_NURSERY_ITEMS_COMMAND_H

#include <sys/types.h>

#include "base/err.h"

struct command {
	pid_t pid; /* 0: reaped */
	int out;   /* what it prints */
};

/* Nothing on its standard input, its standard error ours, no other descriptor. `argv` and `env` end
   with NULL; the program is looked for in the PATH of `env`. */
int command_start(struct command *c, const char *const *argv, char *const *env, struct err *err);

/* It has closed its output: waits for its end. 0, or -1 and how it ended. */
int command_await(struct command *c, const char *name, struct err *err);

/* Kills it and its group where it is still there. */
void command_end(struct command *c);

#endif
