/* retry: when to try a job again. Pure. */
#ifndef DROVER_SUPERVISOR_RETRY_H
#define DROVER_SUPERVISOR_RETRY_H

#include "conf/conf.h"

/*
 * Milliseconds until the attempt after `attempt` (1 ..), between 0 and backoff->max_ms:
 * exponential first * factor^(attempt-1), linear first * attempt, constant first. With full jitter
 * any time up to that: `random` is in [0, 1).
 */
int64_t retry_delay_ms(const struct conf_backoff *backoff, int64_t attempt, double random);

#endif
