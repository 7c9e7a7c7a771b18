/*
 * adoption: jobs whose supervisor is gone. A lease is taken over whole, by any living supervisor: its
 * entries come into our own lease under new tokens, and are judged like any job: most go back to the
 * head of their queue with one recovery more; an at-most-once job that had begun is failed.
 * If we die in between, the next one adopts from us.
 */
#ifndef DROVER_SUPERVISOR_ADOPTION_H
#define DROVER_SUPERVISOR_ADOPTION_H

#include <stdbool.h>

#include "queue/verbs.h"

#define ADOPTION_MARK "~adopt" /* where pools have their names in tokens and marks */

struct supervisor;
struct adoption;

struct adoption *adoption_new(struct supervisor *s);
void adoption_free(struct adoption *a);

/* A lease has expired, says Redis: takes it over, and others until there is none. */
void adoption_look(struct adoption *a);

/*
 * Takes over `lease` by name, whose owner the caller knows to be gone. `done` is called once Redis has
 * moved its entries, or had none.
 */
typedef void adoption_done_fn(void *ctx, bool done); /* `done` is true */
void adoption_take(struct adoption *a, const char *lease, adoption_done_fn *done, void *ctx);

void adoption_go_on(struct adoption *a); /* what has no good answer yet is asked again */
void adoption_reset(struct adoption *a); /* a new lease id: numbers begin anew */
bool adoption_is_under_way(const struct adoption *a);

/* For the beat: the number answered last. */
struct verbs_pool_mark adoption_mark(const struct adoption *a);

/* One entry of ours that nobody has in hand (an orphan, or one that was adopted): judged, sent. */
void adoption_judge(struct supervisor *s, struct span token, struct span entry, bool orphan);

#endif
