/*
 * queue/run: what people and scripts say about a run, each one script that may be repeated.
 * Answers as queue/ask.h says; below 0 nothing was decided.
 */
#ifndef DROVER_QUEUE_RUN_H
#define DROVER_QUEUE_RUN_H

#include "queue/inspect.h"

enum run_outcome {
	RUN_OK,
	RUN_REFUSED, /* its state forbids it */
	RUN_PLAIN,   /* it does not iterate */
	RUN_NONE,    /* there is no record of it */
	RUN_LOST,    /* of resume: it is paused, but no job of it was put by */
	RUN_NOTHING, /* of retry-errors: no item failed */
	RUN_AGAIN, /* of retry-errors: another round came in between; of cancel: some of it moved */
	RUN_ASKED, /* of cancel: its supervisors have been told */
	RUN_ENDED  /* of cancel: it had ended before */
};

struct run_answer {
	enum run_outcome outcome;
	char state[32]; /* in which it was found */
	int64_t items;	/* of retry-errors; else -1 */
};

/* Which run, and for its audit who and when. */
struct run_order {
	struct span jid;
	const char *by; /* NULL: not said */
	int64_t now_ms;
};

int run_pause(const struct inspect *in, const struct run_order *o, const char *reason,
	struct run_answer *answer, struct err *err);
int run_resume(const struct inspect *in, const struct run_order *o, struct run_answer *answer,
	struct err *err);

/* `items` in each `per_ms`; 0: as fast as it goes, whatever its class says. */
int run_rate(const struct inspect *in, const struct run_order *o, int64_t items, int64_t per_ms,
	struct run_answer *answer, struct err *err);

/* A job of the run that was seen in a list. */
struct run_seen {
	bool parked;
	struct text name; /* of the queue, or of the class */
	struct text jid, bytes;
};

struct run_cancel {
	const struct run_seen *seen;
	size_t n_seen;
	struct span class_name, args; /* of its record */
	struct span failed;	      /* its record in the failed list; .len 0: none */
	/* A job to follow, where none of the run is left to tell; .len 0: none. */
	struct span follow_queue, follow_class, follow_args;
	int64_t runs_kept_ms, ids_kept_ms;
};
int run_cancel(const struct inspect *in, const struct run_order *o, const struct run_cancel *c,
	struct run_answer *answer, struct err *err);

struct run_retry {
	struct span class_name, args, queue, csv; /* of its record */
	int64_t round;				  /* the one that it has had */
};
int run_retry_errors(const struct inspect *in, const struct run_order *o, const struct run_retry *r,
	struct run_answer *answer, struct err *err);

#endif
