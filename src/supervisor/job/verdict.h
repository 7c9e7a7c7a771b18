/* verdict: from what happened in a slot to what is told to Redis and to the log. */
#ifndef DROVER_SUPERVISOR_VERDICT_H
#define DROVER_SUPERVISOR_VERDICT_H

#include "supervisor/job/slot.h"

/* The actions of the slot's table that end in SLOT_VERDICT. */
void verdict_send(struct slot *s);     /* the job ran */
void verdict_send_bad(struct slot *s); /* it cannot be run: no JSON, no class for it, worn out */
void verdict_send_back(
	struct slot *s); /* it never began: back to the head of its queue as it was */
void verdict_send_later(struct slot *s);     /* no process could be made for it: in a while */
void verdict_send_cancelled(struct slot *s); /* before it began */
void verdict_send_divided(struct slot *s);   /* parts of it that failed go on in its place */
/* The child of an `each` died in an item, and another one shall go on there: no verdict is due yet. */
bool verdict_goes_on(struct slot *s);
void verdict_send_duplicate(struct slot *s); /* `start` named another job like it */

#endif
