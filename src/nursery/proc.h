/*
 * nursery/proc: other processes, as /proc tells of them: for whoever in a nursery has to end some.
 * Everything read here may be gone a moment later; callers look again.
 */
#ifndef DROVER_NURSERY_PROC_H
#define DROVER_NURSERY_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"

/* All of /proc/PID/NAME (environments above 16 MiB in part), in place of what `out` held. False
 * where the process is gone or another user's. */
bool proc_read(struct text *out, long pid, const char *name);

/* A number of /proc/PID/stat as proc_read gave it, by its place in proc(5); above 3. */
unsigned long long proc_stat_field(const struct text *stat, int place);

/* When it (a zombie too) began, CLOCK_BOOTTIME in ms cut to a whole tick of proc_tick_ms(); -1: it is gone. */
int64_t proc_start_boot_ms(struct text *scratch, long pid);
int64_t proc_tick_ms(void);

/* Ends what runs below `root`, children of children too. How many were not over yet. */
int proc_kill_below(struct text *scratch, pid_t root);

#endif
