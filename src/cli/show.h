/*
 * cli/show: what strangers wrote, and figures, in a form that does no harm to a terminal. Pure.
 */
#ifndef DROVER_CLI_SHOW_H
#define DROVER_CLI_SHOW_H

#include <stdint.h>

#include "base/text.h"

/*
 * Appends `s` on one line: control characters as \n, \t, \x1b and so on, those that turn the
 * direction of writing as \u202e, bytes that are no UTF-8 as U+FFFD.
 */
void show_add_safe(struct text *out, struct span s);

/* Appends a JSON text with the control characters that JSON itself lets pass written as \u009b. */
void show_add_json(struct text *out, struct span json);

/* Columns that `s` takes: one for each code point. */
size_t show_width(struct span s);

/* 850ms, 12s, 5m 3s, 2h 5m, 3d 4h; "-" below 0. `out` holds 32 bytes; returned. */
char *show_age(int64_t ms, char *out);

/* Appends the state of a job or a worker; of a lost one also for how long (below 0: not known). */
void show_add_state(struct text *out, struct span state, int64_t silent_ms);

#endif
