/*
 * nursery/offspring: ends what runs below a process: exact while that one is a subreaper and stands.
 * In a nursery, never in a child.
 */
#ifndef DROVER_NURSERY_OFFSPRING_H
#define DROVER_NURSERY_OFFSPRING_H

#include <sys/types.h>

#include "base/text.h"

/* SIGKILL to all below `root`, not to itself. How many were not over yet: with any, look again. */
int offspring_kill(struct text *scratch, pid_t root);

#endif
