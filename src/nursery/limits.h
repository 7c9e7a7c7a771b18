/*
 * nursery/limits: the limits of a job that a process sets on itself. Those of the whole tree are
 * droverd's (cgroup, sampling).
 */
#ifndef DROVER_NURSERY_LIMITS_H
#define DROVER_NURSERY_LIMITS_H

#include "base/err.h"
#include "nursery/facts.h"
#include "wire/job_message.h"

/* What cannot be undone and is done once: limits, niceness, then groups and user. */
int limits_apply(const struct facts *f, const struct job_limits *l, struct err *err);

/* For a further job in the same process: its CPU time counts from now. */
int limits_renew(const struct job_limits *l, struct err *err);

#endif
