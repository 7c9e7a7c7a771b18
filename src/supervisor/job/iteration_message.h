/*
 * iteration_message: what the child of an `each` is told besides the job: its collection, how items
 * are to be performed (message/each.h), and where to go on.
 */
#ifndef DROVER_SUPERVISOR_ITERATION_MESSAGE_H
#define DROVER_SUPERVISOR_ITERATION_MESSAGE_H

#include "message/each.h"
#include "supervisor/job/iteration.h"

/*
 * Fills `m` for a job of an `each`; -1 and a sentence where that cannot be: an argument that is missing,
 * a range that is none.
 */
int iteration_message_init(
	struct each_message *m, const struct iteration *it, const struct job *j, struct err *err);

/* It is told again: where to go on has changed. */
void iteration_message_refresh(struct each_message *m, const struct iteration *it);

#endif
