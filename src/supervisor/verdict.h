/* verdict: from what happened in a slot to what is told to Redis and to the log. */
#ifndef DROVER_SUPERVISOR_VERDICT_H
#define DROVER_SUPERVISOR_VERDICT_H

#include "supervisor/slot.h"

/* The actions of the slot's table that end in SLOT_VERDICT. */
void verdict_send(struct slot *s);     /* the job ran */
void verdict_send_bad(struct slot *s); /* it cannot be run: no JSON, or no class for it */
void verdict_send_back(
	struct slot *s); /* it never began: back to the head of its queue as it was */

/* The payload as it goes back to its queue, with another interruption or recovery counted; cut off:
   with neither. */
enum verdict_why { VERDICT_INTERRUPTED, VERDICT_RECOVERED, VERDICT_CUT_OFF };
void verdict_add_payload(struct text *out, const struct job *j, enum verdict_why why);

#endif
