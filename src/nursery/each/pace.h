/*
 * nursery/each/pace: the waits of an `each`. Each of them sleeps on the orders of the scoreboard, so
 * that a stop is heard at once and a smaller end is taken over. In its child, between items.
 */
#ifndef DROVER_NURSERY_EACH_PACE_H
#define DROVER_NURSERY_EACH_PACE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/text.h"
#include "nursery/each/marks.h"
#include "nursery/each/step.h"
#include "wire/job_line.h"

struct pace {
	struct marks *marks;
	int64_t taken;	/* number of the last item taken from the collection */
	bool said_wait; /* and `working` is due */
};

/* Read once an item: some nanoseconds, and as exact as a tick. */
static inline int64_t pace_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Nothing shall be begun for `ms`. EACH_ON: that is over; EACH_LATER: it was stopped, or it is so
 * long that the worker is given back.
 */
enum each_step pace_wait(struct pace *p, enum job_wait why, int64_t ms, struct span text);

/* Waits until a further item than the first `used` may be begun. */
enum each_step pace_await_grant(struct pace *p, int64_t used);

/* An item is about to begin. */
void pace_go_on(struct pace *p);

#endif
