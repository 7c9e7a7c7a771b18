/*
 * pid_set: which processes are ours and known by number, asked for every child at every exit: a
 * bit a number, up to the kernel's pid_max. Pages of it that are never touched cost nothing.
 */
#ifndef DROVER_SUPERVISOR_PID_SET_H
#define DROVER_SUPERVISOR_PID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pid_set {
	unsigned char *bits;
	size_t max; /* the first number that is out of bounds; pids are below */
};

void pid_set_init(struct pid_set *s);
void pid_set_fini(struct pid_set *s);
void pid_set_put(struct pid_set *s, pid_t pid, bool in);
bool pid_set_has(const struct pid_set *s, pid_t pid);

#endif
