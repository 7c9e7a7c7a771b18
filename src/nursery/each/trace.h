/*
 * nursery/each/trace: tells of every item what becomes of it (`item` in wire/job_line.h), where the
 * log of droverd wants to know. In the child of an `each`.
 */
#ifndef DROVER_NURSERY_EACH_TRACE_H
#define DROVER_NURSERY_EACH_TRACE_H

#include "nursery/each/perform.h"
#include "wire/job_line.h"

static inline bool trace_is_wanted(const struct job_message *m)
{
	return (m->each.flags & JOB_EACH_TRACE) != 0;
}

/* An item is begun, or set aside. */
void trace_item(const struct collection_item *item, enum job_item_step step, int64_t tries);

/* How a try ended; why, `p` knows. */
void trace_end(const struct collection_item *item, enum performed performed, int64_t tries,
	const struct performer *p);

#endif
