/*
 * queue/entry: what a lease holds for one job: "MARK TAKEN_AT_MS JID LEN WORKER LEN QUEUE PAYLOAD",
 * as fetch.lua writes it. MARK is `taken`, or `started` once the script `start` let an at-most-once
 * job begin: such an entry is never run again by anybody; or `marked` once a job said where it is: it
 * has a record from then on, whatever its class says.
 */
#ifndef DROVER_QUEUE_ENTRY_H
#define DROVER_QUEUE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct entry {
	bool started, marked;
	int64_t taken_at_ms; /* Redis's clock */
	struct span jid;     /* for a payload without one of its own */
	struct span worker, queue, payload;
};

/* Everything in `e` points into `text`. */
int entry_read(struct entry *e, struct span text, struct err *err);

#endif
