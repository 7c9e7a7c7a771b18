/*
 * units: durations and sizes as people write them in drover.yml and on the command line.
 * `none` switches a limit off and is UNITS_NONE.
 */
#ifndef DROVER_BASE_UNITS_H
#define DROVER_BASE_UNITS_H

#include <stdint.h>

#include "base/text.h"

#define UNITS_NONE ((int64_t)-1)

/* "500ms", "30s", "10m", "2h", "1d"; whole numbers only, a unit is due. -1 where it is none. */
int units_parse_duration(const char *text, int64_t *ms);

/* "64K", "256M", "2G" (powers of 1024), "0" or a bare number of bytes. -1 where it is none. */
int units_parse_size(const char *text, int64_t *bytes);

/* "100/s", "6000/m", "10/h": `items` in each `per_ms`; "none": 0 of them. -1 where it is none. */
int units_parse_rate(const char *text, int64_t *items, int64_t *per_ms);

/* The shortest form that reads back to the same; UNITS_NONE is "none". `out` holds 32 bytes. */
char *units_format_duration(int64_t ms, char *out);
char *units_format_size(int64_t bytes, char *out);

char *units_format_rate(int64_t items, int64_t per_ms, char *out);

/* For sentences: 1.4 s, 512.3 MiB. */
char *units_say_duration(int64_t ms, char *out);
char *units_say_size(int64_t bytes, char *out);

#endif
