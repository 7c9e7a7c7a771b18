/*
 * queue/failed: the records in the failed list, read and acted upon. A record is named by its
 * bytes: a position is another record as soon as somebody removes one.
 */
#ifndef DROVER_QUEUE_FAILED_H
#define DROVER_QUEUE_FAILED_H

#include <stdbool.h>

#include "base/json_scan.h"
#include "queue/inspect.h"

/* A record as it was read; the spans point into its bytes. A zeroed struct is an empty one. */
struct failed_record {
	struct text failed_at, exception, error, worker, queue; /* decoded; empty: not there */
	struct span payload, backtrace;				/* JSON; empty: not there */
	bool is_job; /* the payload is one; else the rest is empty */
	struct text class_name, jid;
	struct text run; /* that it is a part of, or the end; else as `jid` */
	struct span args;
	struct text oversize; /* where the whole payload is kept, in drover:oversize */
};

/* -1 where `bytes` are no JSON object. Pure. */
int failed_read(struct failed_record *out, struct span bytes);
void failed_fini(struct failed_record *r);

/* 1 done, 0 it is not there any more, else as queue/ask.h says. */
int failed_remove(const struct inspect *in, struct span bytes, struct err *err);
/*
 * `jid` holds JID_MAX + 1 bytes; `by` is for the audit. FAILED_NO_JOB: nothing in it can be run
 * again; `err` says why.
 */
#define FAILED_NO_JOB (-3)
int failed_retry(
	const struct inspect *in, struct span bytes, const char *by, char *jid, struct err *err);
int failed_clear(const struct inspect *in, int64_t *gone, struct err *err);

#endif
