/* retry: when to try a job again. Pure. */
#ifndef DROVER_SUPERVISOR_RETRY_H
#define DROVER_SUPERVISOR_RETRY_H

#include "conf/conf.h"

/* Milliseconds until the attempt after `attempt` (1 ..); see backoff_delay_ms. */
int64_t retry_delay_ms(const struct conf_backoff *backoff, int64_t attempt, double random);

#endif
