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
	char *by; /* NULL: not said */
	struct inspect in;
	int64_t runs_kept_ms, ids_kept_ms;
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

/* -- how far a job is safe: what was so before it was enqueued ----------------------------------- */

struct internal_durable {
	struct drover_server server;
	int64_t connection; /* id of ours */
};

int internal_durable_begin(
	struct drover_client *c, struct internal_durable *d, struct drover_error *error);
/* Waits, and fills *to; what cannot be known is said so. */
void internal_durable_wait(
	struct drover_client *c, const struct internal_durable *d, struct drover_durable *to);

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

/* -- the record of a run, and of its parts --------------------------------------------------------- */

struct internal_record {
	struct texts pairs, part_pairs, wish;
	struct drover_part *parts;
	struct drover_job_info info; /* points into these */
};

/*
 * 1, or 0 where there is no record. `whole`: its parts, and whether somebody wants it paused, are
 * read too, where it iterates. `r` is to be freed in any case.
 */
int internal_record_load(struct drover_client *c, const char *jid, bool whole,
	struct internal_record *r, struct drover_error *error);
void internal_record_fini(struct internal_record *r);

/* What the answer of a change of a run stands for: 0, or -1 and the sentence. `verb`: "paused". */
struct run_answer;
int internal_judge_run(const struct run_answer *answer, const char *jid, const char *verb,
	struct drover_run_change *change, struct drover_error *error);

/* The end of a run, wherever its jobs are. 1: `answer` says how, 0: it has no record. */
int internal_cancel_run(struct drover_client *c, const char *jid,
	const struct drover_follow *follow, struct drover_cancel *answer,
	struct drover_error *error);

/* Goes through all queues, or one; the callback says whether to go on with the next payload. */
typedef bool internal_look_fn(void *ctx, struct span queue, int64_t position, struct span payload);
int internal_walk_queues(struct drover_client *c, const char *only, internal_look_fn *look,
	void *ctx, struct drover_error *error);
/* The same for the parked jobs of all classes, as they stand there; `name` is the class. */
int internal_walk_parked(
	struct drover_client *c, internal_look_fn *look, void *ctx, struct drover_error *error);

/* -- one job, wherever it is ---------------------------------------------------------------------- */

enum internal_place_kind {
	INTERNAL_NOWHERE,
	INTERNAL_DELAYED,
	INTERNAL_PARKED,
	INTERNAL_PAUSED,
	INTERNAL_QUEUE,
	INTERNAL_LEASE,
	INTERNAL_FAILED
};

struct internal_place {
	enum internal_place_kind kind;
	struct text bytes;   /* what stands there */
	struct text payload; /* in it */
	struct text queue;
	struct text name; /* member of drover:delayed, class of the parked, lease id */
	int64_t position;
	/* DELAYED */
	int64_t due_ms;
	const char *state; /* of a job there */
	/* LEASE */
	struct text token, worker;
	bool lost;
	int64_t silent_ms, pid, taken_at_ms;
	/* FAILED */
	struct text exception, error;
};

/* What a run record says, which may be a moment old; empty: not known. */
struct internal_hint {
	struct span state, queue;
};

/*
 * Looks where the hint says, then everywhere, in the order in which a job goes, so that one that
 * moves on meanwhile is not missed. INTERNAL_NOWHERE is no error. A job that is done or cancelled
 * is not looked for.
 */
int internal_find(struct drover_client *c, const char *jid, struct internal_hint hint,
	struct internal_place *place, struct drover_error *error);
void internal_place_fini(struct internal_place *place);

/* -- the supervisors and what they have in hand, read once -------------------------------------- */

struct internal_supervisor {
	struct span id;
	int64_t expires_ms;  /* Redis's clock; -1: nobody registered it */
	bool lost;	     /* that is over */
	int64_t silent_ms;   /* since it was heard of; DROVER_UNKNOWN */
	int64_t held;	     /* jobs in its lease */
	struct texts record; /* field, value */
	struct texts lease;  /* token, entry; besides marks and locks */
};

/* Is this field of a lease a job, and not a mark or the locks of one? */
bool internal_is_token(struct span field);

struct internal_crew {
	struct texts ids, keys;		   /* registered; and leases that are there */
	struct internal_supervisor *items; /* those that live stand first */
	size_t n;
};

int internal_crew_load(
	struct drover_client *c, struct internal_crew *crew, struct drover_error *error);
void internal_crew_fini(struct internal_crew *crew);

#endif
