/*
 * queue/cancel: a job is taken out of where it waits, with its locks, and its run record ends; or
 * its supervisor is told. Jobs are named by the bytes that stand there, so that nobody's change in
 * the meantime makes us hit another one. Answers as queue/ask.h says.
 */
#ifndef DROVER_QUEUE_CANCEL_H
#define DROVER_QUEUE_CANCEL_H

#include "queue/inspect.h"

enum cancel_place { CANCEL_QUEUE, CANCEL_DELAYED, CANCEL_PARKED };

struct cancel {
	enum cancel_place place;
	struct span queue;   /* QUEUE */
	struct span member;  /* DELAYED: of drover:delayed; PARKED: the class */
	struct span bytes;   /* what stands there */
	struct span payload; /* in it */
	const char *detail;  /* for the audit */
	const char *by;	     /* likewise: who wants it; NULL: not said */
	int64_t now_ms;
	int64_t runs_kept_ms, ids_kept_ms;
};

/* 1: it is cancelled, 0: it is not there any more. */
int cancel_waiting(const struct inspect *in, const struct cancel *c, struct err *err);

/* 1: whoever holds the lease has been told, 0: the job is not in it any more. */
int cancel_running(const struct inspect *in, struct span lease, struct span token, struct span jid,
	int64_t now_ms, struct err *err);

/* The same for an item of resque-scheduler's, which has neither record nor locks. */
int cancel_foreign(const struct inspect *in, struct span second, struct span item, struct err *err);

#endif
