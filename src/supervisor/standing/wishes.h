/*
 * wishes: the jobs somebody wants cancelled and the runs that shall pause, as Redis's drover:cancel and
 * drover:pause had them when drover:control changed last. Whoever has such a job in hand ends it;
 * whoever takes one does not begin it.
 */
#ifndef DROVER_SUPERVISOR_WISHES_H
#define DROVER_SUPERVISOR_WISHES_H

#include <stdbool.h>

#include "queue/verbs.h"

enum wish { WISH_CANCEL, WISH_PAUSE, WISHES };

struct wishes;

/* `changed` is called when they were read anew; rates may have changed, too. */
struct wishes *wishes_new(struct verbs *verbs, void (*changed)(void *ctx), void *ctx);
void wishes_free(struct wishes *w);

/* What a watch or tick said drover:control is: another number means that they are read anew. */
void wishes_saw_control(struct wishes *w, struct span version);
void wishes_disconnected(struct wishes *w); /* an answer under way will not come */

bool wishes_has(const struct wishes *w, enum wish wish, struct span jid);

#endif
