/*
 * nursery/undertaker: ends what a dead droverd left behind: whatever process carries its lease in
 * its environment.
 */
#ifndef DROVER_NURSERY_UNDERTAKER_H
#define DROVER_NURSERY_UNDERTAKER_H

#include "base/err.h"

/*
 * SIGKILL to every process whose environment has DROVER_LEASE=lease, until two looks in a row find
 * none. Spared are this process and other nurseries, which do the same. 0, or -1 where /proc cannot
 * be read or some would not go.
 */
int undertaker_run(const char *lease, struct err *err);

#endif
