/*
 * clock: the three clocks, never mixed. wall_ms is for people and records; mono_ms for deadlines
 * of ours; boot_ms, which also counts suspend, for the lease. Milliseconds.
 */
#ifndef DROVER_BASE_CLOCK_H
#define DROVER_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_boot_ms(void);

/* Forms of a wall clock time in UTC. `out` holds CLOCK_TEXT_SIZE bytes; returned for convenience. */
#define CLOCK_TEXT_SIZE 40
char *clock_rfc3339(int64_t wall_ms, char *out);    /* 2026-11-21T19:26:23.123Z */
char *clock_iso_second(int64_t wall_ms, char *out); /* 2026-11-21T19:26:23Z: Resque's run_at */
char *clock_iso_offset(int64_t wall_ms, char *out); /* 2026-11-21T19:26:23+00:00: its heartbeat */
char *clock_ruby(int64_t wall_ms, char *out);	    /* 2026-11-21 19:26:23 +0000: its started */
char *clock_resque_failed(int64_t wall_ms, char *out); /* 2026/11/21 19:26:23 UTC: its failed_at */

/* Reads RFC 3339 with any offset, with or without a fraction. -1 where it is none. */
int clock_parse_rfc3339(const char *text, int64_t *wall_ms);

#endif
