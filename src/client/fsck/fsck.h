/*
 * client/fsck: does everything in Redis keep what was promised? What its files share. Part of
 * libdrover; see drover_fsck in include/drover/client.h.
 *
 * How a system in motion gives no false alarm: all keys are read once, in small steps, and what
 * looks wrong is only a suspicion. Where one look at a few keys can decide (most kinds), the
 * script fsck.lua does it in one step that nothing can come between; only what holds there is
 * told, and mended by the same script. Where it cannot (a job in two places, or in none), all
 * places are walked again for the suspects alone, see fsck_walk for the order: who is seen but
 * once is there, and a run record that changed meanwhile clears its job.
 *
 * fsck_keys reads names, fsck_walk the places of jobs; fsck_check, fsck_owners and fsck_jobs are
 * pure: what was read in, suspicions out; fsck puts it together.
 */
#ifndef DROVER_CLIENT_FSCK_H
#define DROVER_CLIENT_FSCK_H

#include <stdint.h>

#include "client/internal.h"
#include "queue/keys.h"

/* -- findings (fsck_found.c) ----------------------------------------------------------------- */

enum fsck_kind {
	FSCK_KEY_TYPE,
	FSCK_KEY_UNKNOWN,
	FSCK_QUEUE_UNLISTED,
	FSCK_LEASE_UNNAMED,
	FSCK_LEASE_LEFT,
	FSCK_LEASE_EXPIRED,
	FSCK_LEASE_ENTRY,
	FSCK_LEASE_MARK,
	FSCK_LEASE_RECORD,
	FSCK_LEASE_LOCK,
	FSCK_LOCK_RUNNING,
	FSCK_LOCK_UNIQUE,
	FSCK_LOCK_FOREVER,
	FSCK_LOCK_IDLE,
	FSCK_LOCK_OVERLAP,
	FSCK_PARKED_UNLISTED,
	FSCK_PARKED_EMPTY,
	FSCK_PARKED_ITEM,
	FSCK_PARKED_STUCK,
	FSCK_PAUSED_ITEM,
	FSCK_PAUSED_UNWANTED,
	FSCK_PAUSE_IDLE,
	FSCK_DELAYED_EMPTY,
	FSCK_DELAYED_TIMELESS,
	FSCK_DELAYED_ITEM,
	FSCK_DELAYED_OVERDUE,
	FSCK_SCHEDULER_UNLISTED,
	FSCK_SCHEDULER_STALE,
	FSCK_SUPERVISOR_UNNAMED,
	FSCK_WORKER_DEAD,
	FSCK_WORKER_STRANGE,
	FSCK_WORKER_REMAINS,
	FSCK_RUN_LOST,
	FSCK_RUN_STATE,
	FSCK_RUN_FOREVER,
	FSCK_RUN_SUMS,
	FSCK_RUN_ERRORS,
	FSCK_RUN_REMAINS,
	FSCK_PARTS_LEFT,
	FSCK_PART_LOST,
	FSCK_PART_STATE,
	FSCK_PART_BOUNDS,
	FSCK_RUNS_GONE,
	FSCK_CSV_CHUNK,
	FSCK_CSV_FOREVER,
	FSCK_ID_VALUE,
	FSCK_ID_GONE,
	FSCK_JOB_TWICE,
	FSCK_JOB_SAME_ID,
	FSCK_JOB_MANY,
	FSCK_COUNTER,
	FSCK_KINDS
};

struct fsck_kind_facts {
	const char *name;
	bool notice;	    /* nothing of ours is broken: it does not count as a finding */
	const char *repair; /* what mends it; NULL: nothing does by itself */
};
extern const struct fsck_kind_facts fsck_kinds[FSCK_KINDS];

struct fsck_finding {
	enum fsck_kind kind;
	struct text where;  /* a key, without the namespace */
	struct text text;   /* one sentence */
	struct words words; /* what the script needs besides */
};

struct fsck_findings {
	struct fsck_finding *items;
	size_t n, cap;
};

/* `where` is `key` and `rest` behind it. The finding stays good until the next one is added. */
struct fsck_finding *fsck_add(struct fsck_findings *f, enum fsck_kind kind, const char *key,
	struct span rest, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void fsck_findings_fini(struct fsck_findings *f);

/* For "%.*s" of a span; a name may be long. */
#define FSCK_SHORT(s) ((int)((s).len < 200 ? (s).len : 200)), ((s).at ? (s).at : "")

/* A text that may never have been written to. */
static inline struct span fsck_span(const struct text *t)
{
	return (struct span){t->data ? t->data : "", t->len};
}

/* -- sets of names, by their hashes (fsck_set.c) ------------------------------------------------ */

/* Names of which there may be millions. Two that hash alike can only hide a finding. */
struct fsck_set {
	uint64_t *items;
	size_t n, cap;
	bool sorted;
};

uint64_t fsck_hash(struct span s);
uint64_t fsck_hash_more(uint64_t hash, struct span s);
void fsck_set_add(struct fsck_set *s, uint64_t hash);
bool fsck_set_has(struct fsck_set *s, uint64_t hash);
void fsck_set_fini(struct fsck_set *s);

/* -- names of keys (fsck_keys.c) -------------------------------------------------------------- */

struct fsck_key {
	struct text name;	  /* without the namespace */
	struct text type, detail; /* as fsck_keys.lua says */
};

struct fsck_keys {
	struct fsck_key *items; /* sorted by name, each once */
	size_t n, cap;
};

int fsck_keys_load(struct drover_client *c, struct fsck_keys *keys, struct err *err);
void fsck_keys_add(struct fsck_keys *keys, struct span name, struct span type, struct span detail);
void fsck_keys_sort(struct fsck_keys *keys);
void fsck_keys_fini(struct fsck_keys *keys);

struct span fsck_key_name(const struct fsck_keys *keys, size_t i);
struct span fsck_key_detail(const struct fsck_keys *keys, size_t i);
/* What stands behind `prefix` in the name; .at NULL where it does not begin so. */
struct span fsck_key_rest(const struct fsck_keys *keys, size_t i, const char *prefix);
bool fsck_key_is(const struct fsck_keys *keys, size_t i, const char *type);
/* The first whose name begins with `prefix`; those that follow may, too. keys->n: none. */
size_t fsck_keys_first(const struct fsck_keys *keys, struct span prefix);
bool fsck_keys_have(const struct fsck_keys *keys, const char *prefix, struct span rest);

#define FSCK_EACH_KEY(keys, i, prefix)                            \
	for (size_t i = fsck_keys_first((keys), span_of(prefix)); \
		i < (keys)->n && fsck_key_rest((keys), i, (prefix)).at; i++)

/* -- what was read ---------------------------------------------------------------------------- */

struct fsck_image {
	struct fsck_keys keys;
	int64_t now_ms;		   /* Redis's clock, before anything was read */
	struct texts supervisors;  /* pairs id, expiry */
	struct texts taken;	   /* pairs id, time */
	struct texts queues;	   /* sorted, as the next four */
	struct texts parked;	   /* classes */
	struct texts workers;	   /* ids */
	struct texts claimed;	   /* worker ids in the records of supervisors */
	struct texts times;	   /* resque-scheduler's, that have jobs */
	struct texts heartbeats;   /* pairs id, time */
	struct texts pauses;	   /* pairs run, wish */
	struct fsck_set tokens;	   /* "LEASE TOKEN" of every entry in flight */
	struct fsck_set in_flight; /* of classes with parked jobs: those with one on its way */
};

/* -- pure checks ------------------------------------------------------------------------------ */

/* By names, types and sizes alone (fsck_check.c). */
void fsck_check_types(const struct fsck_image *im, struct fsck_findings *f);
void fsck_check_queues(const struct fsck_image *im, struct fsck_findings *f);
void fsck_check_parked(struct fsck_image *im, struct fsck_findings *f);
void fsck_check_scheduler(const struct fsck_image *im, struct fsck_findings *f);
void fsck_check_runs(const struct fsck_image *im, struct fsck_findings *f);
void fsck_check_ids(const struct fsck_image *im, struct fsck_findings *f);
void fsck_check_uploads(const struct fsck_image *im, struct fsck_findings *f);
/* Of a run record: its id and state. false: this key is none. */
bool fsck_key_run(const struct fsck_keys *keys, size_t i, struct span *jid, struct span *state);
void fsck_check_counters(const struct fsck_image *im, struct fsck_findings *f);

/* Who holds what (fsck_owners.c). */
void fsck_check_supervisors(const struct fsck_image *im, struct fsck_findings *f);
/* Notes the tokens, too, by which the next ones judge. */
void fsck_check_lease(
	struct fsck_image *im, struct span id, const struct texts *fields, struct fsck_findings *f);
void fsck_check_running(struct fsck_image *im, struct span class_name, const struct texts *holders,
	struct fsck_findings *f);
void fsck_check_unique(struct fsck_image *im, struct fsck_findings *f);
void fsck_check_overlap(struct fsck_image *im, struct span class_name, const struct texts *pairs,
	struct fsck_findings *f);
void fsck_check_workers(const struct fsck_image *im, struct fsck_findings *f);

/* Is `name` among the sorted texts? */
bool fsck_has(const struct texts *sorted, struct span name);
/* The value behind `name` in pairs; .at NULL where there is none. */
struct span fsck_value(const struct texts *pairs, struct span name);

/* -- the places of jobs (fsck_walk.c) ---------------------------------------------------------- */

enum fsck_place { FSCK_QUEUE, FSCK_LEASE, FSCK_DELAYED, FSCK_PARKED, FSCK_PAUSED, FSCK_FAILED };

/* One job where it stands. Spans are good until the callback returns. */
struct fsck_sighting {
	enum fsck_place place;
	struct span name;	     /* of the queue, lease, class; else empty */
	struct span field;	     /* token, member; empty in a list */
	struct span bytes;	     /* the item or value that stands there */
	struct span jid, class_name; /* empty: not known */
	struct span parent;	     /* of a part: its run; else empty */
	uint64_t body;		     /* hash of class and args */
	const char *wrong;	     /* what is wrong with bytes that are ours; else NULL */
	bool marked;		     /* it carries our member `drover` */
	bool retried;		     /* a failed record that somebody put back into a queue */
	bool has_record;	     /* its lease entry says that there is one */
};
typedef void fsck_sighting_fn(void *ctx, const struct fsck_sighting *s);

/*
 * Walks all places in this order: delayed, paused, parked, queues, leases twice (a job seen in the
 * same entry again is told once), paused again likewise, failed. A job goes from one to the next of these without anybody
 * changing its run record, or from one lease to another; every step back changes the record.
 */
int fsck_walk(struct drover_client *c, const struct fsck_image *im, fsck_sighting_fn *fn, void *ctx,
	struct err *err);

/* The key, without namespace, that holds it. */
void fsck_add_where(struct text *out, const struct fsck_sighting *s);

/* -- jobs by id (fsck_jobs.c) ------------------------------------------------------------------ */

struct fsck_job {
	uint64_t jid;
	enum fsck_place place;
};

/* All jobs that were seen, briefly. */
struct fsck_jobs {
	struct fsck_job *items;
	size_t n, cap;
};

void fsck_jobs_add(struct fsck_jobs *jobs, const struct fsck_sighting *s);
/* The same under the id of the run that it is a part of. */
void fsck_jobs_add_part(struct fsck_jobs *jobs, const struct fsck_sighting *s);
void fsck_jobs_sort(struct fsck_jobs *jobs);
/* Ids that stand in more than one place; at most `most`. */
void fsck_jobs_twice(const struct fsck_jobs *jobs, size_t most, struct fsck_set *out);
/* Bits 1 << enum fsck_place. */
unsigned fsck_jobs_places(const struct fsck_jobs *jobs, uint64_t jid);
void fsck_jobs_fini(struct fsck_jobs *jobs);

/* Does a run record in `state` fit a job that is in these places? */
enum fsck_fit { FSCK_FITS, FSCK_NOWHERE, FSCK_CONTRADICTS };
enum fsck_fit fsck_judge_run(struct span state, unsigned places);
/* The same of a run that may be divided: while it goes on its parts are each judged by themselves. */
enum fsck_fit fsck_judge_whole(struct span state, unsigned own, unsigned of_parts);
/* The state of a job that is there; NULL where the place does not say. */
const char *fsck_state_of(enum fsck_place place);

/* -- runs that iterate (fsck_parts.c) ----------------------------------------------------------- */

/* A run's record and its parts, as pairs: what does not add up. */
void fsck_check_sums(struct span run, const struct texts *record, const struct texts *parts,
	struct fsck_findings *f);

/* Part N of a run is a job of its own, RUN.pN. */
struct fsck_part {
	struct text jid;
	struct span number, state;
};
/* From *at on; false: there are no more. `part` begins as zeros; freed by the last call. */
bool fsck_next_part(const struct texts *parts, struct span run, size_t *at, struct fsck_part *part);

/* A suspect, as it was seen the second time. */
struct fsck_seen {
	enum fsck_place place;
	struct text where, field, bytes, jid, parent;
	uint64_t body;
	bool marked;
};

struct fsck_seens {
	struct fsck_seen *items;
	size_t n, cap;
};

void fsck_seens_add(struct fsck_seens *seens, const struct fsck_sighting *s);
void fsck_seens_fini(struct fsck_seens *seens);
/* Same id, two places. */
void fsck_check_twice(struct fsck_seens *seens, struct fsck_findings *f);
/* The job, or a part of the run. */
bool fsck_seens_have(const struct fsck_seens *seens, struct span jid);
/* One run record, whose job, or a part of it, was seen where `seens` says. */
void fsck_check_run(const struct fsck_seens *seens, struct span jid, struct span state,
	struct fsck_findings *f);
/* One part of a run likewise. */
void fsck_check_part(const struct fsck_seens *seens, struct span run, const struct fsck_part *part,
	struct fsck_findings *f);

#endif
