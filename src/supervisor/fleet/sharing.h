/*
 * sharing: a part of a run gives the later half of what it has left to a free worker. Redis says that one
 * is free; we offer the child a smaller end; the child takes it between two items; only then is the rest
 * made a part of its own.
 */
#ifndef DROVER_SUPERVISOR_SHARING_H
#define DROVER_SUPERVISOR_SHARING_H

#include "base/text.h"

struct slot;
struct supervisor;

/* Offers its child a smaller end, at one of these bounds, if enough is left. */
void sharing_offer(struct slot *slot, struct span bounds);

/* Which offers have been taken? */
void sharing_look(struct supervisor *s);

/* Its child has ended: the end it went by is the one that counts. */
void sharing_note_end(struct slot *slot);

#endif
