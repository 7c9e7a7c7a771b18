/*
 * nursery/undertaker: ends what a dead droverd left behind: whatever process carries its lease in
 * its environment.
 */
#ifndef DROVER_NURSERY_UNDERTAKER_H
#define DROVER_NURSERY_UNDERTAKER_H

#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/*
 * SIGKILL to every process whose environment has DROVER_LEASE=lease, until two looks in a row find
 * none. Spared are this process and other nurseries, which do the same. 0, or -1 where /proc cannot
 * be read or some would not go.
 */
int undertaker_run(const char *lease, struct err *err);

/*
 * The same for every process whose environment has one of the entries in `marks`, "NAME=value" and
 * a NUL each, one behind the other; after `patience_ms` what is left is left.
 */
int undertaker_end(struct span marks, int64_t patience_ms, struct err *err);

#endif
