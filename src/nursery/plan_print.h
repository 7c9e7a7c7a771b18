/*
 * nursery/plan_print: counts a collection and shows its items, without performing any. In a nursery
 * that was started with --plan, by a command; droverd knows nothing of it.
 */
#ifndef DROVER_NURSERY_PLAN_PRINT_H
#define DROVER_NURSERY_PLAN_PRINT_H

#include <stdint.h>

#include "base/err.h"

/*
 * Reads the message of a job (wire/job_message.h) from standard input, to its end, and prints lines of
 * JSON: {"total"}, null where it cannot be counted, then {"number", "last", "cursor", "item"} of the
 * first `most`. A collection in Redis comes over descriptor STREAM_FD (wire/stream.h).
 */
int plan_print(int64_t most, struct err *err);

#endif
