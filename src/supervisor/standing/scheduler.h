/*
 * scheduler: jobs that clients of resque-scheduler delayed. Their layout is read and emptied by us while
 * no master of resque-scheduler itself has its lock; it is never written.
 */
#ifndef DROVER_SUPERVISOR_SCHEDULER_H
#define DROVER_SUPERVISOR_SCHEDULER_H

#include "queue/verbs.h"

struct scheduler;

/* `again` is called where more may be due. */
struct scheduler *scheduler_new(struct verbs *verbs, void (*again)(void *ctx), void *ctx);
void scheduler_free(struct scheduler *s);

/* What stands under this timestamp (as it is written there) is due. Does nothing while an earlier call is under way. */
void scheduler_promote(struct scheduler *s, struct span timestamp);

/*
 * Pure. An item {"class":..,"args":..,"queue":Q} as the payload its queue shall hold: the same bytes
 * without `queue`. -1 and why it is no job; `queue` and `payload` are appended to.
 */
int scheduler_read_item(
	struct span item, struct text *queue, struct text *payload, struct err *err);

#endif
