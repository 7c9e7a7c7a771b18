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

/* It asks for the script `start` before it runs; so its token may hold locks. */
bool job_wants_start(const struct job *j);
bool job_is_tracked(const struct job *j);

/*
 * What `start` is asked for it: everything but token, `again` and record. What it is known by as a
 * unique job, and its payload with a jid where it has none, are written to the two texts.
 */
void job_describe_start(
	const struct job *j, struct verbs_start *start, struct text *unique, struct text *parked);

/* Its supervisors died too often while it was in hand: it is not run again. */
bool job_is_worn_out(const struct job *j);

/* Its payload as it goes back, with our counters as they shall be from then on. */
enum job_return {
	JOB_INTERRUPTED, /* one more interruption; origin `resumed` */
	JOB_RECOVERED,	 /* one more recovery; origin `recovered` */
	JOB_CUT_OFF,	 /* ended for another's sake (exclusive.h): origin `recovered` alone */
	JOB_RETRIED	 /* the next attempt; origin `retry` */
};
void job_add_payload(struct text *out, const struct job *j, enum job_return why);

/*
 * Its payload as it goes back without having begun: the bytes as they came, but for a job that is known
 * by a jid which does not stand in them yet (locks, run record).
 */
void job_add_unbegun(struct text *out, const struct job *j);

/* What its main process reads before it begins, appended whole. */
void job_add_message(struct text *out, const struct job *j, const char *lease);

#endif
