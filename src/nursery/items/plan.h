/*
 * nursery/items/plan: the total of a collection and the places at which it can be divided. In the
 * child that is the first of its run.
 */
#ifndef DROVER_NURSERY_ITEMS_PLAN_H
#define DROVER_NURSERY_ITEMS_PLAN_H

#include "nursery/items/source.h"

/* Appends the cursor of the item of this number. */
typedef void plan_place_fn(void *ctx, int64_t number, struct text *out);

/* Of a collection with `count` items whose cursors can be told without going there; `place` NULL:
   it cannot be divided. */
void plan_evenly(const struct source_plan *p, int64_t count, plan_place_fn *place, void *ctx,
	struct collection_plan *out);

/* Of one that must be gone through. */
int plan_walk(const struct source *source, const struct source_plan *p, struct collection_plan *out,
	struct err *err);

#endif
