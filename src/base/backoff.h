/* backoff: how long to wait before something is tried again. Any process; pure. */
#ifndef DROVER_BASE_BACKOFF_H
#define DROVER_BASE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct backoff {
	int64_t first_ms, max_ms;
	double factor; /* of one wait to the next; 1: they are all the same */
	bool linear;   /* first * try instead */
	bool full_jitter;
};

/*
 * Milliseconds until the try after `tried` (1 ..), between 0 and max_ms: first * factor^(tried-1),
 * or linear first * tried. With full jitter any time up to that: `random` is in [0, 1).
 */
int64_t backoff_delay_ms(const struct backoff *b, int64_t tried, double random);

#endif
