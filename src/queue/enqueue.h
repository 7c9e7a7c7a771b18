/*
 * queue/enqueue: a job into its queue, for whoever enqueues with us. Other clients of Resque do
 * the same in their own words; what they write and what we write cannot be told apart but by
 * the members jid, at and drover.
 */
#ifndef DROVER_QUEUE_ENQUEUE_H
#define DROVER_QUEUE_ENQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/inspect.h"

struct enqueue {
	struct span queue, class_name;
	struct span args; /* a JSON array */
	bool track;	  /* with a run record */
	int64_t now_ms;
};

/* Names and arguments that can be enqueued; -1 and why not. Pure. */
int enqueue_check(const struct enqueue *e, struct err *err);

/* `jid` is filled with JID_OWN digits and a NUL. Answers as queue/ask.h says. */
int enqueue_job(const struct inspect *in, const struct enqueue *e, char *jid, struct err *err);

#endif
