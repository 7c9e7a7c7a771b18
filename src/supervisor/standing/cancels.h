/*
 * cancels: the jobs somebody wants cancelled, as Redis's drover:cancel had them when drover:control
 * changed last. Whoever has such a job in hand ends it; whoever takes one does not begin it.
 */
#ifndef DROVER_SUPERVISOR_CANCELS_H
#define DROVER_SUPERVISOR_CANCELS_H

#include <stdbool.h>

#include "queue/verbs.h"

struct cancels;

/* `changed` is called when there are others than before. */
struct cancels *cancels_new(struct verbs *verbs, void (*changed)(void *ctx), void *ctx);
void cancels_free(struct cancels *c);

/* What a watch or tick said drover:control is: another number means that they are read anew. */
void cancels_saw_control(struct cancels *c, struct span version);
void cancels_disconnected(struct cancels *c); /* an answer under way will not come */

bool cancels_has(const struct cancels *c, struct span jid);

#endif
