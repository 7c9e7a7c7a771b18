/*
 * items/store: the Redis that a collection stands in. In drover-items. It asks, and where Redis is
 * away it asks again until it is back: all that is asked here only reads. It must never write.
 */
#ifndef DROVER_ITEMS_STORE_H
#define DROVER_ITEMS_STORE_H

#include <stdint.h>

#include "base/err.h"
#include "queue/words.h"
#include "redis/redis.h"
#include "wire/stream_spec.h"

/* How long a question waits for a Redis that is away, from the first failure on. */
#define STORE_PATIENCE_MS 20000

struct store {
	struct redis_options options;
	struct redis *redis; /* NULL: not connected now */
	uint64_t earlier;    /* connections before `redis` */
	int peer; /* descriptor of who waits for the answer; nobody: it is not waited for */
};

/* Nothing is connected yet. -1 where the address makes no sense. */
int store_init(struct store *s, const struct stream_spec *spec, int peer, struct err *err);
void store_fini(struct store *s);

/*
 * One command, whose words are used up. The answer, valid until the next call, is no error; NULL
 * where Redis was away for too long or refuses, with the reason.
 */
const struct redis_reply *store_ask(struct store *s, struct words *w, struct err *err);

/* Over which connection the last answer came, from 1 on: with one number, from one server. */
uint64_t store_connection(const struct store *s);

#endif
