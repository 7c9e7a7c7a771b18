/*
 * queue/verbs: what a supervisor asks of Redis, one function a script of src/queue/lua. Each may
 * be asked again with the same arguments. A callback whose reply is NULL means "not known".
 * All return false, and call nobody, while the connection is not up.
 */
#ifndef DROVER_QUEUE_VERBS_H
#define DROVER_QUEUE_VERBS_H

#include "queue/words.h"
#include "redis/redis.h"

/* Who asks. Strings and connection are the caller's and stay as long as this. */
struct verbs {
	struct redis *redis;
	const char *prefix;
	const char *lease; /* lease id */
	int64_t lease_ms;
	struct words words; /* scratch */
};

/* One job wanted by fetch: the worker that shall have it, the jid for a payload without one. */
struct verbs_wanted {
	struct span worker;
	bool ahead; /* it has one in hand already: its worker record stays */
	const char *jid;
};

/* Answers UNKNOWN | OLD | JOBS token entry .. ; `number` rises by one with each answered call. */
bool verbs_fetch(struct verbs *v, struct span pool, int64_t number, int64_t max_payload_bytes,
	const struct span *queues, size_t n_queues, const struct verbs_wanted *wanted,
	size_t n_wanted, redis_reply_fn *fn, void *ctx);

/* Fields and values of a run record, alternating; empty where the job has none. */
struct verbs_record {
	struct span jid; /* .len 0: no record is kept */
	const struct span *pairs;
	size_t n_pairs;
};

struct verbs_start {
	struct span token;
	struct verbs_record record;
};

/* Answers UNKNOWN | STARTED, then per job go | stale. */
bool verbs_start(
	struct verbs *v, const struct verbs_start *jobs, size_t n, redis_reply_fn *fn, void *ctx);

enum verdict_kind { VERDICT_DONE, VERDICT_FAILED, VERDICT_HEAD };

/* What becomes of a job. */
struct verdict {
	enum verdict_kind kind;
	int64_t order; /* in which the jobs were taken: those that go back together keep it */
	struct span token, worker, queue;
	struct span text; /* FAILED: the record; HEAD: the payload that goes back */
	struct span
		next_record; /* the worker goes on with another job: its worker record; .len 0: idle */
	struct verbs_record record;
};

/* Answers UNKNOWN | OK, then per verdict applied | stale | the words of an error. */
bool verbs_finish(struct verbs *v, const struct verdict *verdicts, size_t n, int64_t keep_ms,
	redis_reply_fn *fn, void *ctx);

struct verbs_pool_mark {
	struct span pool;
	int64_t answered; /* number of the last fetch that was answered */
};

/* Answers TAKEN | FORGOTTEN | OK, then orphan token entry | missing token "". */
bool verbs_beat(struct verbs *v, bool registering, const struct verbs_pool_mark *pools,
	size_t n_pools, const struct span *tokens, size_t n_tokens, const struct span *record,
	size_t n_record, redis_reply_fn *fn, void *ctx);

struct verbs_held {
	struct span token, entry, queue, payload;
};

/* After FORGOTTEN. Answers UNKNOWN | OK. */
bool verbs_reenter(struct verbs *v, const struct verbs_pool_mark *pools, size_t n_pools,
	const struct verbs_held *held, size_t n_held, redis_reply_fn *fn, void *ctx);

/* Answers how many entries are left; 0: the lease is gone. */
bool verbs_leave(struct verbs *v, redis_reply_fn *fn, void *ctx);

/* Answers paused, a length per queue (-1: no list), then the names of all queues if `members`. */
bool verbs_watch(struct verbs *v, bool tracked, bool members, const struct span *queues,
	size_t n_queues, redis_reply_fn *fn, void *ctx);

enum verbs_enlist { VERBS_ENLIST_ADD, VERBS_ENLIST_BEAT, VERBS_ENLIST_REMOVE };

/* Workers as Resque sees them. */
bool verbs_enlist(struct verbs *v, enum verbs_enlist what, int64_t wall_ms, int64_t started_wall_ms,
	const struct span *ids, size_t n, redis_reply_fn *fn, void *ctx);

/* Answers 1 or 0; see prune.lua. */
bool verbs_prune(struct verbs *v, struct span id, struct span heartbeat, struct span job,
	struct span failure, redis_reply_fn *fn, void *ctx);

#endif
