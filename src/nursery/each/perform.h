/*
 * nursery/each/perform: performs one item, by the filter or by a C function, and says how it went.
 * In the child of an `each`.
 */
#ifndef DROVER_NURSERY_EACH_PERFORM_H
#define DROVER_NURSERY_EACH_PERFORM_H

#include "base/err.h"
#include "base/text.h"
#include "nursery/each/filter.h"
#include "nursery/environment.h"
#include "nursery/function.h"
#include "nursery/items/collection.h"

enum performed {
	PERFORMED,	       /* also where there was nothing to do for it */
	PERFORMED_RETRY,       /* to be tried again */
	PERFORMED_FAIL,	       /* .. not */
	PERFORMED_ABORT,       /* the whole run ends */
	PERFORMED_DIED,	       /* the filter did, over it */
	PERFORMED_INTERRUPTED, /* not at all: the function wants to stop before it */
	PERFORMED_NOT_BEGUN,   /* the filter cannot be started */
};

struct performer {
	const struct job_message *m;
	const struct function_source *source;
	const struct drover_entry *entry; /* NULL: it is a filter */
	struct drover_job job;
	struct environment env;
	struct filter filter;
	struct text line;  /* the item, and what ends it */
	struct text why;   /* about the last item that did not succeed */
	bool is_malformed; /* .. for its answer was none */
};

/* Neither the filter nor the function runs before the first item. -1: there is no such function. */
int performer_open(struct performer *p, const struct job_message *m,
	const struct function_source *source, struct err *err);
void performer_close(struct performer *p);

enum performed performer_perform(struct performer *p, const struct collection_item *item);

#endif
