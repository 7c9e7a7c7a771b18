/* nursery: takes spawns from droverd on NURSERY_FD and makes a child for each. */
#ifndef DROVER_NURSERY_NURSERY_H
#define DROVER_NURSERY_NURSERY_H

#include <sys/types.h>

#include "base/err.h"
#include "base/text.h"
#include "nursery/function.h"

/* First of all: our place in the process tree, our descriptors and signals. Droverd's pid or -1. */
pid_t nursery_open(struct err *err);

/* Tells droverd why there will be no nursery. */
void nursery_say_failed(const struct err *why);

/*
 * All is preloaded: says hello, then serves. `lease` is droverd's; `functions`: a JSON array of their
 * names; `source` NULL: commands alone. 1: droverd is gone, and what it left is to be ended. 0:
 * droverd lives and wants this nursery no more; its children are droverd's and stay. -1: it could
 * not begin.
 */
int nursery_serve(pid_t droverd, const char *lease, struct span functions,
	const struct function_source *source, struct err *err);

#endif
