/*
 * queue/inspect: what stands in Redis, read key by key and never changed. Every function answers
 * as queue/ask.h says; lists come as the strings that are there, whoever wrote them.
 */
#ifndef DROVER_QUEUE_INSPECT_H
#define DROVER_QUEUE_INSPECT_H

#include "queue/ask.h"

struct inspect {
	struct redis *redis;
	const char *prefix; /* of every key */
};

int inspect_queues(const struct inspect *in, struct texts *names, struct err *err);
int inspect_queue_size(const struct inspect *in, struct span queue, int64_t *size, struct err *err);
int inspect_queue_part(const struct inspect *in, struct span queue, int64_t from, int64_t n,
	struct texts *payloads, struct err *err);
/* Pairs queue (or "*"), reason; *all is true where everything is paused, by whatever key. */
int inspect_paused(const struct inspect *in, struct texts *pairs, bool *all, struct err *err);

int inspect_failed_size(const struct inspect *in, int64_t *size, struct err *err);
int inspect_failed_part(
	const struct inspect *in, int64_t from, int64_t n, struct texts *records, struct err *err);

int inspect_workers(const struct inspect *in, struct texts *ids, struct err *err);
/* What worker `id` works on, as Resque writes it; one text, empty where it is idle. */
int inspect_worker(const struct inspect *in, struct span id, struct texts *record, struct err *err);

/* Pairs lease id, expiry in Redis's ms. */
int inspect_leases(const struct inspect *in, struct texts *pairs, struct err *err);
/*
 * Ids of all leases there are, sorted, also of those that nobody registered; one may come twice.
 * Goes through all keys of the server, in small steps.
 */
int inspect_lease_keys(const struct inspect *in, struct texts *ids, struct err *err);
/* Pairs field, value of the record a supervisor keeps of itself, or of its lease. */
int inspect_supervisor(
	const struct inspect *in, struct span id, struct texts *pairs, struct err *err);
int inspect_lease(const struct inspect *in, struct span id, struct texts *pairs, struct err *err);

/* Pairs field, value; none where there is no record of this run. */
int inspect_run(const struct inspect *in, struct span jid, struct texts *pairs, struct err *err);

/* stat:processed, stat:failed */
int inspect_counters(
	const struct inspect *in, int64_t *processed, int64_t *failed, struct err *err);
/* Redis's clock. */
int inspect_time(const struct inspect *in, int64_t *wall_ms, struct err *err);

/* -- pure -- */

/*
 * POOL of the token "POOL.NUMBER.I" or "POOL~MADE.NUMBER.I", as fetch.lua and fleet write it; a
 * pool's name may hold dots.
 */
struct span inspect_pool(struct span token);

/* The number that belongs to `id` in "id=pid id=pid"; -1 where there is none. */
int64_t inspect_find_pid(struct span worker_pids, struct span id);

#endif
