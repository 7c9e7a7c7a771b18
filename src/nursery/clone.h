/*
 * nursery/clone: makes a child that is droverd's own, not the nursery's: droverd alone reaps it,
 * and a nursery that dies takes no verdict with it.
 */
#ifndef DROVER_NURSERY_CLONE_H
#define DROVER_NURSERY_CLONE_H

#include <stdbool.h>

#include "nursery/facts.h"

/*
 * 0 in the child, 1 in the nursery, -1 with errno where none was made. `cgroup`: a cgroup v2
 * folder to be born in, or -1. `*enter` in the child: it is not in there yet and must go by itself.
 */
int clone_child(struct facts *f, int cgroup, bool *enter);

#endif
