/*
 * resque_view: our slots as Resque knows workers, so that resque-web shows them and Ruby workers
 * leave them alone; and, as any Resque worker does, the removal of workers that died.
 */
#ifndef DROVER_SUPERVISOR_RESQUE_VIEW_H
#define DROVER_SUPERVISOR_RESQUE_VIEW_H

#include "queue/verbs.h"

struct event_base;
struct resque_view;

struct resque_view_events {
	/* The ids of all slots there are now; the array stays the owner's until the next call. */
	const struct span *(*ids)(void *ctx, size_t *n);
};

struct resque_view *resque_view_new(struct event_base *base, struct verbs *verbs,
	const struct resque_view_events *events, void *ctx);
void resque_view_free(struct resque_view *v);

/* New slots. `done` (may be NULL) hears when Redis has them. */
void resque_view_add(
	struct resque_view *v, const struct span *ids, size_t n, redis_reply_fn *done, void *ctx);
void resque_view_remove(
	struct resque_view *v, const struct span *ids, size_t n, redis_reply_fn *done, void *ctx);

/* Now, and every 30 s from then on: beats for all, and a look for the dead. */
void resque_view_connected(struct resque_view *v);

/* Pure: a heartbeat text more than 300 whole seconds before now is a dead worker's (rule 2). */
bool resque_view_is_dead(const char *heartbeat, int64_t now_wall_ms);

#endif
