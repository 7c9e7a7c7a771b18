/* said: what a job says on its job socket, line by line, and what droverd keeps of it. */
#ifndef DROVER_SUPERVISOR_SAID_H
#define DROVER_SUPERVISOR_SAID_H

#include "supervisor/job/slot.h"

/* True where the line was the `done` of a child that may be given another job. */
bool said_read_line(struct slot *s, struct span line);
void said_fini(struct slot_said *said);

#endif
