/* client/internal: what the files of libdrover share. Not for programs that use it. */
#ifndef DROVER_CLIENT_INTERNAL_H
#define DROVER_CLIENT_INTERNAL_H

#include "base/err.h"
#include "base/text.h"
#include "drover/client.h"
#include "queue/inspect.h"
#include "redis/redis.h"

struct drover_client {
	struct redis_options options;
	struct redis *redis;
	char *address, *prefix;
	struct inspect in;
};

struct drover_text internal_give(struct span s);
struct drover_text internal_give_text(const struct text *t);
struct span internal_span(struct drover_text t);

/* Fills `error` and returns -1. */
int internal_fail(struct drover_error *error, enum drover_error_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for what a question of queue/ask answered below 0. */
int internal_read_failed(struct drover_error *error, int rc, const struct err *err);
/* `change` ends the sentence "unknown whether ...". */
int internal_write_failed(
	struct drover_error *error, int rc, const struct err *err, const char *change);

/* -- the supervisors and what they have in hand, read once -------------------------------------- */

struct internal_supervisor {
	struct span id;
	int64_t expires_ms;  /* Redis's clock */
	struct texts record; /* field, value */
	struct texts lease;  /* token, entry */
};

struct internal_crew {
	struct texts ids;
	struct internal_supervisor *items;
	size_t n;
};

int internal_crew_load(
	struct drover_client *c, struct internal_crew *crew, struct drover_error *error);
void internal_crew_fini(struct internal_crew *crew);

#endif
