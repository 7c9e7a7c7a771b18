/*
 * remains: how far the iterating jobs of a start were that is gone, by the marks in its scoreboard. Read
 * once nothing of it lives; told to Redis under its own lease before that is adopted, so that whoever
 * starts them next goes on behind the last item passed.
 */
#ifndef DROVER_SUPERVISOR_REMAINS_H
#define DROVER_SUPERVISOR_REMAINS_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/verbs.h"

struct remains;

struct remains *remains_read(int folder_fd);
void remains_free(struct remains *r);

/* True where there is nothing to tell, or it was answered. */
bool remains_are_told(const struct remains *r);

/* Tells them; may be called again until they are told. `verbs` are those of the lease that is gone. */
void remains_tell(struct remains *r, struct verbs *verbs, int64_t runs_kept_ms);

#endif
