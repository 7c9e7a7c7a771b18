/*
 * nursery/facts: what the nursery learns about itself once, after preloading, so that no child has
 * to ask the kernel again. Written before the first clone, read in the children.
 */
#ifndef DROVER_NURSERY_FACTS_H
#define DROVER_NURSERY_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"

#define FACTS_SIGNALS 65

struct facts {
	pid_t droverd;	   /* the parent of every child we make */
	unsigned threads;  /* of ours; above 1 a raw clone is not safe */
	int *tid_address;  /* where libc keeps the thread's id; NULL: not known */
	void *robust_list; /* likewise its list of robust mutexes */
	size_t robust_list_len;
	uint64_t address_space_bytes;
	struct rlimit limits[RLIM_NLIMITS];
	int signals[FACTS_SIGNALS]; /* those not at their default, ended by 0 */
	bool clone3_refused;	    /* found out at the first clone */
};

int facts_learn(struct facts *f, pid_t droverd, struct err *err);

#endif
