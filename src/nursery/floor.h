/*
 * nursery/floor: what this machine can do at best, measured by the same binary that serves. Prints
 * one line, "floor N=.. outstanding=.. per_second=..". -1 where a process cannot be made.
 */
#ifndef DROVER_NURSERY_FLOOR_H
#define DROVER_NURSERY_FLOOR_H

#include "base/err.h"

/* fork, setrlimit, setsid, _exit, wait. */
int floor_fork(long n, long outstanding, struct err *err);

/* posix_spawn of a program, wait. */
int floor_spawn(long n, long outstanding, char *const *argv, struct err *err);

#endif
