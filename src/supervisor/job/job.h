/*
 * job: one payload in hand, from the answer of a fetch to the confirmation of its verdict. Its
 * bytes are the lease's entry; everything else points into them or is decoded from them.
 */
#ifndef DROVER_SUPERVISOR_JOB_H
#define DROVER_SUPERVISOR_JOB_H

#include "queue/entry.h"
#include "queue/envelope.h"
#include "queue/verbs.h"
#include "supervisor/settings.h"

struct job {
	struct settings *settings;	    /* counted */
	const struct class_settings *class; /* NULL: no entry for it, or not readable */
	int64_t sequence;		    /* in which this supervisor took it */
	char *token;
	char *bytes; /* the entry */
	struct entry entry;
	struct envelope envelope;
	bool readable; /* the payload is a job; else `why` is the sentence */
	struct err why;
	struct span jid;  /* its own, or the one the fetch named */
	struct job *next; /* for whoever keeps it in a list */
};

/* NULL and a sentence where `entry` is none (our own or Redis's fault, never the client's). */
struct job *job_new(
	struct settings *settings, struct span token, struct span entry, struct err *err);
void job_free(struct job *j);

struct span job_class_name(const struct job *j);

/* enqueued | delayed | retry | resumed | recovered, as DROVER_ORIGIN says it. */
const char *job_origin(const struct job *j);

/* One item after another, by an `each`. A job that says `cursor` lines is not known before it does. */
bool job_is_each(const struct job *j);

/* The run it is, or is a part of; and which: 0 the whole, 1 .. a part, -1 what is due behind all parts. */
struct span job_run(const struct job *j);
int64_t job_part(const struct job *j);

/* Items of an earlier pass that were set aside: such a job performs them alone. */
bool job_is_retry(const struct job *j);

/* It asks for the script `start` before it runs; so its token may hold locks. */
bool job_wants_start(const struct job *j);
bool job_is_tracked(const struct job *j);

/*
 * What `start` is asked for it: everything but token, `again` and record. What it is known by as a
 * unique job, its payload with a jid where it has none, and its place are written to the texts.
 */
struct job_start_texts {
	struct text unique, parked, place;
};
void job_describe_start(
	const struct job *j, struct verbs_start *start, struct job_start_texts *texts);

/* Its supervisors died too often while it was in hand: it is not run again. */
bool job_is_worn_out(const struct job *j);

/* Its payload as it goes back, with our counters as they shall be from then on. */
enum job_return {
	JOB_INTERRUPTED, /* one more interruption; origin `resumed` */
	JOB_RECOVERED,	 /* one more recovery; origin `recovered` */
	JOB_CUT_OFF,	 /* ended for another's sake (exclusive.h): origin `recovered` alone */
	JOB_RETRIED,	 /* the next attempt; origin `retry` */
	JOB_GAVE_WAY /* it gave its worker back by itself: no counter changes; origin `resumed` */
};
void job_add_payload(struct text *out, const struct job *j, enum job_return why);

/*
 * Its payload as it goes back without having begun: the bytes as they came, but for a job that is known
 * by a jid which does not stand in them yet (locks, run record).
 */
void job_add_unbegun(struct text *out, const struct job *j);

/* Payloads of one part of its run, of what is due behind all parts, and of the run as a whole. */
void job_add_part(struct text *out, const struct job *j, int64_t part);
void job_add_whole(struct text *out, const struct job *j);

/*
 * What its main process reads before it begins, appended whole. `cursor` .at NULL, `each` NULL: it has
 * none.
 */
struct job_each_source;
void job_add_message(struct text *out, const struct job *j, const char *lease, struct span cursor,
	const struct job_each_source *each);

#endif
