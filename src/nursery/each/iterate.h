/*
 * nursery/each/iterate: the loop over the items and what is decided for each of them: begun, passed,
 * tried again, set aside. In the child of an `each`.
 */
#ifndef DROVER_NURSERY_EACH_ITERATE_H
#define DROVER_NURSERY_EACH_ITERATE_H

#include "nursery/each/marks.h"
#include "nursery/each/pace.h"
#include "nursery/each/perform.h"
#include "nursery/each/step.h"
#include "nursery/items/collection.h"
#include "wire/job_message.h"

struct iteration {
	const struct job_message *m;
	struct marks marks;
	struct pace pace;
	struct performer performer;
	struct collection *items;
	int stream; /* that they come from, or -1 */
	/* Of this start. */
	int64_t began_ms;
	int64_t used;	/* items begun */
	int64_t errors; /* .. set aside */
	int64_t now_ms; /* as it was looked at for the item in hand */
	int64_t ask_ms; /* when the throttle command is to be asked again */
};

/* Goes through the collection, which is open. Whatever ends it is said where it is to be said. */
enum each_step iterate(struct iteration *i);

/* The collection cannot be read: says it, and how that ends. */
enum each_step iterate_say_collection(const struct iteration *i, const struct err *err);

#endif
