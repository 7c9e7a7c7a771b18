/*
 * queue/enqueue: a job into its queue, or among those that wait for their time, for whoever
 * enqueues with us. Other clients of Resque do the same in their own words; what they write and
 * what we write cannot be told apart but by the members jid, at and drover.
 */
#ifndef DROVER_QUEUE_ENQUEUE_H
#define DROVER_QUEUE_ENQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/envelope.h"
#include "queue/inspect.h"

struct enqueue {
	struct span queue, class_name;
	struct span args; /* a JSON array */
	bool track;	  /* with a run record */
	int64_t now_ms;	  /* our own clock, for records */
	int64_t due_ms;	  /* by Redis's clock; 0: now */
	int64_t delay_ms; /* how long that is from now */

	struct span id; /* a request id, which wants a run record; .at NULL: none */
	int64_t ids_kept_ms;
	bool unique; /* only where no other job of this class and these arguments waits or runs */
	int64_t unique_for_ms;

	int64_t tick_ms; /* of a scheduled job; 0: it is none */
	/* How jobs that are fired so are counted: skip, queue-one, replace; NULL: they are not. */
	const char *overlap;

	const struct envelope_each
		*each; /* of an iterating job, with a run record; NULL: it is none */
};

enum enqueue_outcome {
	ENQUEUE_NEW,
	ENQUEUE_SAME,	   /* the request id stands for this job already */
	ENQUEUE_OTHER,	   /* the request id stands for other content: nothing was enqueued */
	ENQUEUE_DUPLICATE, /* another job with this content waits or runs: nothing was enqueued */
	ENQUEUE_OVERLAP	   /* another job of its schedule waits or runs: nothing was enqueued */
};

struct enqueue_answer {
	enum enqueue_outcome outcome;
	char jid[JID_MAX + 1]; /* of the job that there is now, ours or the other */
	char state[32];	       /* of that job, a word of jobs.md; "" where it has no record */
};

/* Names and arguments that can be enqueued; -1 and why not. Pure. */
int enqueue_check(const struct enqueue *e, struct err *err);

/*
 * Answers as queue/ask.h says. Where there is a request id an answer that was lost is asked for
 * again; else never.
 */
int enqueue_job(const struct inspect *in, const struct enqueue *e, struct enqueue_answer *answer,
	struct err *err);

#endif
