/*
 * takeover: folders in state_dir whose lock is free are of starts that ended without a word. They
 * are taken over: nothing of such a start may live, the verdicts it had not got through are sent
 * under its own lease, then that lease is adopted by name, at once, and the folder is removed. All
 * of it in small steps of the loop; while Redis is away the folder waits.
 */
#ifndef DROVER_SUPERVISOR_TAKEOVER_H
#define DROVER_SUPERVISOR_TAKEOVER_H

#include <stdbool.h>

#include "supervisor/state/estate.h"

struct event_base;
struct takeover;

struct takeover_events {
	/* Our own lease is held: Redis can be told of others. */
	bool (*may_talk)(void *ctx);
	void (*looked)(void *ctx); /* for folders; once a second */
	/* Nothing new is taken on. */
	bool (*is_ending)(void *ctx);
	/* Adopts a lease by name. False, and nobody called, where it cannot be asked now. */
	bool (*adopt)(void *ctx, const char *lease, estate_adopted_fn *fn, void *arg);
};

/* `self` and `verbs` are the caller's and stay; the lease in `verbs` is not used. */
struct takeover *takeover_new(struct event_base *base, const char *state_dir,
	const struct state_about *self, const struct verbs *verbs, struct verbs_keep keep,
	const struct takeover_events *events, void *ctx);
void takeover_free(struct takeover *t); /* after its connection; what was begun stays as it is */

/* Looks for folders now, and from then on once a second. */
void takeover_start(struct takeover *t);

/* Our lease is held: what waited for it goes on. */
void takeover_go_on(struct takeover *t);

#endif
