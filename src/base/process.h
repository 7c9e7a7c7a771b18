/*
 * process: other processes, as /proc tells of them. Everything read here may be gone a moment
 * later; callers look again.
 */
#ifndef DROVER_BASE_PROCESS_H
#define DROVER_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"

/* All of /proc/PID/NAME in place of what `out` held (environments above 16 MiB in part). False where
   the process is gone or another user's. */
bool process_read(struct text *out, pid_t pid, const char *name);

/* A number of /proc/PID/stat as process_read gave it, by its place in proc(5), from 3 on. */
unsigned long long process_stat_field(const struct text *stat, int place);

/* It has ended: a zombie, or nothing at all. */
bool process_is_over(struct text *scratch, pid_t pid);

/* When it began: CLOCK_BOOTTIME in ms, cut to a whole tick of process_tick_ms(); -1: it is gone. */
int64_t process_start_boot_ms(struct text *scratch, pid_t pid);
int64_t process_tick_ms(void);

#endif
