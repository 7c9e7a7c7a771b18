/*
 * queue/failure: the record of a failed job in Resque's own form, as resque-web and Resque's
 * clients read it:
 * {"failed_at":"2026/11/21 14:28:10 UTC","payload":{..},"exception":"..","error":"..",
 *  "backtrace":[..],"worker":"..","queue":".."}
 */
#ifndef DROVER_QUEUE_FAILURE_H
#define DROVER_QUEUE_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct failure {
	int64_t failed_at_ms;
	struct span payload;
	bool payload_readable; /* envelope_read took it; else it is kept as a string */
	struct span exception, error;
	struct span backtrace_json;  /* a JSON array; .at NULL: made from backtrace_lines */
	struct span backtrace_lines; /* text; one line becomes one entry, blank ones are left out */
	struct span worker, queue;
};

/*
 * Appends the record: valid JSON in valid UTF-8 whatever came in. A payload that is not readable
 * stands as a string, and again as "payload_base64" where its bytes are no UTF-8, so that
 * nothing of it is lost.
 */
void failure_write(struct text *out, const struct failure *f);

#endif
