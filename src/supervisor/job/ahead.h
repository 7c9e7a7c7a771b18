/*
 * ahead: jobs of a class with `reuse` that a worker was given before it is done with the one in
 * hand, so that a child that is reused need not wait for Redis between two short jobs. Only as
 * many as it performs in a few milliseconds; those it has not begun after 100 ms go back.
 */
#ifndef DROVER_SUPERVISOR_AHEAD_H
#define DROVER_SUPERVISOR_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/job/job.h"

#define AHEAD_OVERDUE_MS 100

struct ahead {
	const struct class_settings *class; /* of the jobs it was seen to perform; NULL: none */
	int64_t mean_wall_us;		    /* how long one takes; 0: not known */
	struct job *first, **last;
	size_t n;
	int64_t oldest_mono_ms; /* when the first of them came */
};

void ahead_init(struct ahead *a);

/* A job of `class` took so long. */
void ahead_learn(struct ahead *a, const struct class_settings *class, int64_t wall_us);
void ahead_forget(struct ahead *a); /* other settings: nothing is known any more */

/* Pure: how many more may be fetched for it; none while half of them are still there. */
size_t ahead_room(const struct ahead *a);

void ahead_add(struct ahead *a, struct job *job, int64_t now_mono_ms);
struct job *ahead_take(struct ahead *a); /* the first; NULL: none */
bool ahead_is_overdue(const struct ahead *a, int64_t now_mono_ms);

#endif
