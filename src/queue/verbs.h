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

/* What a job's run record is told. */
struct verbs_record {
	struct span audit;	  /* one JSON object; .len 0: the job has no record */
	const struct span *pairs; /* field, value .. */
	size_t n_pairs;
};

struct verbs_start {
	struct span token, jid, class_name;
	bool once;	       /* at most once: marked in the lease */
	bool again;	       /* it runs already: Redis lost data, its locks are taken anew */
	int64_t max_running;   /* 0: no limit */
	struct span unique;    /* what a unique job is known by (canonical.h); .len 0: not unique */
	int64_t unique_for_ms; /* so long a lock lasts while its job waits */
	bool overlap;	       /* fired by a schedule that counts its jobs */
	struct span parked;    /* payload to park, or to pause; .len 0: as in the entry */
	struct span
		place; /* of a job with a position: "RUN PART INTERRUPTIONS RECOVERIES RETRY NEEDED" */
	struct verbs_record record;
};

/* Answers UNKNOWN | STARTED, then per job go | stale | parked | paused | cancelled | duplicate JID |
   error WORDS. Behind the go of a job with a position stand lines "NAME VALUE" of it. */
bool verbs_start(
	struct verbs *v, const struct verbs_start *jobs, size_t n, redis_reply_fn *fn, void *ctx);

enum verdict_kind {
	VERDICT_DONE,
	VERDICT_FAILED,
	VERDICT_CANCELLED,
	VERDICT_HEAD,	 /* back to the head of its queue */
	VERDICT_TAIL,	 /* to its end */
	VERDICT_LATER,	 /* to drover:delayed */
	VERDICT_PAUSED,	 /* to drover:paused:jobs */
	VERDICT_DIVIDED, /* its parts take its place */
	VERDICT_KINDS
};
const char *verdict_kind_word(enum verdict_kind kind); /* as finish.lua reads it */

/* What becomes of a job. */
struct verdict {
	enum verdict_kind kind;
	int64_t order; /* in which the jobs were taken: those that go back together keep it */
	struct span token, worker, queue;
	/* FAILED: the record; HEAD, TAIL, LATER, PAUSED: the payload that goes back, as it may a part that
	   is DONE; DIVIDED: its parts (verbs_add_part) */
	struct span text;
	struct span next_record; /* the worker goes on with another job: its worker record; .len 0:
				    idle */
	int64_t delay_ms;	 /* LATER */
	struct span
		why; /* LATER: retry, delayed, spawn, interrupted; FAILED, of a part: "stop" the others */
	bool locks; /* its token may hold some, or it may stand in drover:cancel */
	struct span jid;
	struct span position; /* of an iterating job (verbs_add_position); .len 0: it is none */
	struct span follow;   /* jobs that follow its end (verbs_add_follow) */
	struct verbs_record record;
};

/* Where an iterating job is; see shared/position.lua. */
struct verbs_position {
	struct span run;
	int64_t part;
	bool known; /* false: only whose it is */
	int64_t number, done, errors;
	int64_t end; /* INT64_MAX: that of the collection */
	int64_t item, tries;
	double speed;	    /* items/s */
	struct span cursor; /* no newline in it */
};
void verbs_add_position(struct text *out, const struct verbs_position *p);

/* One part of VERDICT_DIVIDED: the items behind `number` (and its cursor) up to `end`. */
void verbs_add_part(struct text *out, int64_t part, int64_t number, int64_t end, struct span cursor,
	struct span payload);

/* A job to be pushed where the run ends in `state`; "complete": before it ends as done. */
void verbs_add_follow(struct text *out, const char *state, struct span queue, struct span payload);

/* How long what is known of a job stays after its end. */
struct verbs_keep {
	int64_t runs_ms, ids_ms;
};

/* Answers UNKNOWN | OK, then per verdict applied | stale | the words of an error. */
bool verbs_finish(struct verbs *v, const struct verdict *verdicts, size_t n,
	const struct verbs_keep *keep, redis_reply_fn *fn, void *ctx);

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

/* What is known of an iterating job since it was told last. */
struct verbs_checkpoint {
	struct span token;
	bool mark;		  /* its lease entry shall say that it has a record from now on */
	struct span position;	  /* verbs_add_position */
	const struct span *pairs; /* of its record: field, value .. */
	size_t n_pairs;
	const struct span *asides; /* number of an item, its error or "" (healed) .. */
	size_t n_asides;	   /* pairs */
	const struct span *lines;  /* of its output */
	size_t n_lines;
};
/* Answers UNKNOWN | OK, then per job ok | stale | steal BOUNDS | error WORDS. */
bool verbs_checkpoint(struct verbs *v, const struct verbs_checkpoint *jobs, size_t n,
	int64_t runs_kept_ms, redis_reply_fn *fn, void *ctx);

/* A part gives the items behind `number` to a new one. Answers UNKNOWN | stale | known | shared. */
struct verbs_share {
	struct span token, run;
	int64_t part, new_part, number;
	struct span cursor, queue, payload;
};
bool verbs_share(struct verbs *v, const struct verbs_share *share, redis_reply_fn *fn, void *ctx);

/* Items from the rate of a run. Answers UNKNOWN | GRANTED, then per run granted, us to wait, rate. */
struct verbs_grant {
	struct span run;
	int64_t wanted;
	struct span rate; /* "ITEMS PER_MS" of the class; .len 0: none */
};
bool verbs_grant(struct verbs *v, const struct verbs_grant *grants, size_t n, int64_t ahead_us,
	redis_reply_fn *fn, void *ctx);

/* After FORGOTTEN. Answers UNKNOWN | OK. */
bool verbs_reenter(struct verbs *v, const struct verbs_pool_mark *pools, size_t n_pools,
	const struct verbs_held *held, size_t n_held, redis_reply_fn *fn, void *ctx);

/* Answers how many entries are left; 0: the lease is gone. */
bool verbs_leave(struct verbs *v, redis_reply_fn *fn, void *ctx);

/*
 * Takes over the lease `named`, or one that has expired (`named` NULL). `number` rises by one with
 * each answered call. Answers UNKNOWN | OLD | JOBS lease token entry ..; lease "": there was none.
 */
bool verbs_adopt(struct verbs *v, int64_t number, const char *named, redis_reply_fn *fn, void *ctx);

/*
 * Once a second. Answers UNKNOWN | TICK, Redis's time (ms), promoted, due time of the next delayed
 * job (-1: none), 1 where a lease may be adopted, a due timestamp of resque-scheduler ("": none),
 * the first error met ("": none), then what verbs_watch answers. At most VERBS_PROMOTE_MAX delayed jobs are moved.
 */
enum { VERBS_PROMOTE_MAX = 100 };
bool verbs_tick(struct verbs *v, bool members, const struct span *queues, size_t n_queues,
	redis_reply_fn *fn, void *ctx);

/* A job of resque-scheduler's layout. */
struct verbs_due {
	struct span item, queue; /* queue .len 0: it is no job, payload is a failure record */
	struct span payload;
};

/* The first items of delayed:TIMESTAMP as a list of strings. */
bool verbs_read_due(struct verbs *v, struct span timestamp, redis_reply_fn *fn, void *ctx);
/* Answers UNKNOWN | LOCKED | OK, how many (, the item that its queue refused, the error). */
bool verbs_promote(struct verbs *v, struct span timestamp, const struct verbs_due *due, size_t n,
	redis_reply_fn *fn, void *ctx);

/* One firing of a schedule. */
struct verbs_fire {
	struct span name;
	int64_t nominal_s; /* -1: only look */
	struct span class_name, queue, jid, payload;
	const char *overlap; /* allow | skip | queue-one | replace */
	int64_t waiting_ms;  /* so long a waiting job counts */
};
/* Answers UNKNOWN | fired | skipped | known, last nominal time fired, jids that were replaced .. */
bool verbs_fire(struct verbs *v, const struct verbs_fire *fire, redis_reply_fn *fn, void *ctx);

/* The jobs somebody wants cancelled: jid, when (ms), alternating; and the runs that shall pause: jid,
   when and why. */
bool verbs_read_cancel(struct verbs *v, redis_reply_fn *fn, void *ctx);
bool verbs_read_pause(struct verbs *v, redis_reply_fn *fn, void *ctx);

/* Answers paused, the version of drover:control, a length per queue (-1: no list, -2: it is paused), then the names of
   all queues if `members`. */
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
