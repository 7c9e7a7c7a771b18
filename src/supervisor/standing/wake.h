/*
 * wake: to be told when something is pushed, instead of asking again and again. A second,
 * subscribed connection receives what Redis's client tracking says of the keys that the script
 * `watch` read on the first one. Where the server refuses tracking, polling is all there is.
 */
#ifndef DROVER_SUPERVISOR_WAKE_H
#define DROVER_SUPERVISOR_WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "redis/redis.h"

struct event_base;
struct wake;

struct wake_events {
	void (*ready)(void *ctx);		     /* tracking is on: watch anew, fetch once */
	void (*touched)(void *ctx, struct span key); /* .at NULL: everything may have changed */
};

/* `main_connection` is where `watch` is said; `ping_ms` how often the second one is tried. */
struct wake *wake_new(struct event_base *base, const struct redis_options *options,
	struct redis *main_connection, int64_t ping_ms, const struct wake_events *events,
	void *ctx);
void wake_free(struct wake *w);

void wake_main_connected(struct wake *w); /* the first connection is new: tracking is gone */
bool wake_is_ready(const struct wake *w);

#endif
