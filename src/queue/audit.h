/*
 * queue/audit: what happened to a job that has a run record: drover:run:JID:audit, a list of JSON
 * objects {"at", "what", "by", "detail"} (and more that a supervisor adds), oldest first.
 */
#ifndef DROVER_QUEUE_AUDIT_H
#define DROVER_QUEUE_AUDIT_H

#include "queue/inspect.h"

/* Appends one entry; `detail` and `by` (USER@HOST of whoever wanted it) may be NULL. Pure. */
void audit_write(
	struct text *out, int64_t wall_ms, const char *what, const char *detail, const char *by);

void audit_add_key(struct words *w, const char *prefix, struct span jid); /* one word */

/* Appends all entries as one JSON array. Answers as queue/ask.h says. */
int audit_read(const struct inspect *in, struct span jid, struct text *json, struct err *err);

#endif
