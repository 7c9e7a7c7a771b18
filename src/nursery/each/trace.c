/* nursery/each/trace: see trace.h. */
#include "nursery/each/trace.h"

#include "nursery/each/tell.h"

void trace_item(const struct collection_item *item, enum job_item_step step, int64_t tries)
{
	tell_item(item->number, step, tries, item->text);
}

void trace_end(const struct collection_item *item, enum performed performed, int64_t tries,
	const struct performer *p)
{
	static const enum job_item_step STEPS[] = {[PERFORMED] = JOB_ITEM_DONE,
		[PERFORMED_RETRY] = JOB_ITEM_RETRY,
		[PERFORMED_FAIL] = JOB_ITEM_FAILED,
		[PERFORMED_ABORT] = JOB_ITEM_ABORTED,
		[PERFORMED_DIED] = JOB_ITEM_DIED,
		[PERFORMED_INTERRUPTED] = JOB_ITEM_UNTOUCHED,
		[PERFORMED_NOT_BEGUN] = JOB_ITEM_UNTOUCHED};

	tell_item(item->number, p->is_malformed ? JOB_ITEM_MALFORMED : STEPS[performed], tries,
		(struct span){p->why.data, p->why.len});
}
