/*
 * sentinel: asks Sentinels where the master of a name is, and hears of it when that changes. Any process that has an event loop. It
 * believes none of them for good: whoever connects there checks that it is a master.
 */
#ifndef DROVER_REDIS_SENTINEL_H
#define DROVER_REDIS_SENTINEL_H

#include "redis/transport.h"

struct sentinel;

/*
 * Called by the loop: with an address, and again whenever one is told, be it the same; or with
 * `host` NULL where none knows any: then `fault` says what the last one said, lasting where all of
 * them refuse for good, and nothing comes after it. sentinel_free may be called inside it.
 */
typedef void sentinel_fn(void *ctx, const char *host, int port, const struct fault *fault);

/*
 * Asks one after another; one that is silent for a moment holds up nobody: the next is asked
 * beside it, and the first that names a master is heard. It is listened to from then on, so that a
 * failover is known when it happens: a master that was replaced takes writes for seconds yet, and
 * they are lost. Where it goes away, others are asked. `attempt` chooses who is asked first.
 * `options` must outlive it. The caller sets the deadline for the first address.
 */
struct sentinel *sentinel_ask(struct event_base *base, const struct redis_options *options,
	unsigned attempt, sentinel_fn *fn, void *ctx);
void sentinel_free(struct sentinel *s); /* `fn` is not called any more; NULL is fine */

#endif
