/* client/internal: what the files of libdrover share. Not for programs that use it. */
#ifndef DROVER_CLIENT_INTERNAL_H
#define DROVER_CLIENT_INTERNAL_H

#include "base/err.h"
#include "base/text.h"
#include "drover/client.h"
#include "queue/envelope.h"
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

/* DROVER_UNKNOWN where the text is none. */
long long internal_time(struct span rfc3339);

/* Fills `error` and returns -1. */
int internal_fail(struct drover_error *error, enum drover_error_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for what a question of queue/ask answered below 0. */
int internal_read_failed(struct drover_error *error, int rc, const struct err *err);
/* `change` ends the sentence "unknown whether ...". */
int internal_write_failed(
	struct drover_error *error, int rc, const struct err *err, const char *change);

/* -- a job while it is told of: what `info` points to stays until fini ------------------------- */

struct internal_view {
	struct drover_job_info info;
	struct envelope envelope;
	struct err why;
	bool readable;
};

void internal_view_init(
	struct internal_view *v, struct span payload, const char *state, struct span queue);
void internal_view_fini(struct internal_view *v);
struct drover_job_info internal_blank_job(void);

/* Goes through all queues, or one; the callback says whether to go on with the next payload. */
typedef bool internal_look_fn(void *ctx, struct span queue, struct span payload);
int internal_walk_queues(struct drover_client *c, const char *only, internal_look_fn *look,
	void *ctx, struct drover_error *error);

/* -- the supervisors and what they have in hand, read once -------------------------------------- */

struct internal_supervisor {
	struct span id;
	int64_t expires_ms;  /* Redis's clock; -1: nobody registered it */
	bool lost;	     /* that is over */
	int64_t silent_ms;   /* since it was heard of; DROVER_UNKNOWN */
	int64_t held;	     /* jobs in its lease */
	struct texts record; /* field, value */
	struct texts lease;  /* token, entry */
};

struct internal_crew {
	struct texts ids, keys;		   /* registered; and leases that are there */
	struct internal_supervisor *items; /* those that live stand first */
	size_t n;
};

int internal_crew_load(
	struct drover_client *c, struct internal_crew *crew, struct drover_error *error);
void internal_crew_fini(struct internal_crew *crew);

#endif
