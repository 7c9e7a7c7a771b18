/* client/fsck_found: the kinds of findings, and a list of them; see fsck.h. Pure. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "client/fsck/fsck.h"

#define FINDING false
#define NOTICE	true

/* Names and what mends them are fsck.lua's, too. */
const struct fsck_kind_facts fsck_kinds[FSCK_KINDS] = {
	[FSCK_KEY_TYPE] = {"key.type", FINDING, NULL},
	[FSCK_KEY_UNKNOWN] = {"key.unknown", NOTICE, NULL},
	[FSCK_QUEUE_UNLISTED] = {"queue.unlisted", FINDING, "its name is put into queues"},
	[FSCK_LEASE_UNNAMED] = {"lease.unnamed", FINDING,
		"it is registered as one that is over, so that a supervisor takes its jobs over"},
	[FSCK_LEASE_LEFT] = {"lease.left", FINDING, "it is removed"},
	[FSCK_LEASE_EXPIRED] = {"lease.expired", NOTICE, NULL},
	[FSCK_LEASE_ENTRY] = {"lease.entry", FINDING, NULL},
	[FSCK_LEASE_MARK] = {"lease.mark", FINDING, NULL},
	[FSCK_LEASE_RECORD] = {"lease.record", FINDING, NULL},
	[FSCK_LEASE_LOCK] = {"lease.lock", FINDING, "the locks are freed"},
	[FSCK_LOCK_RUNNING] = {"lock.running", FINDING,
		"it is freed, and the first parked job goes back into its queue"},
	[FSCK_LOCK_UNIQUE] = {"lock.unique", FINDING, "it is freed"},
	[FSCK_LOCK_FOREVER] = {"lock.forever", FINDING, "it ends in a day"},
	[FSCK_LOCK_IDLE] = {"lock.idle", FINDING, "it is freed"},
	[FSCK_LOCK_OVERLAP] = {"lock.overlap", FINDING, "it is freed"},
	[FSCK_PARKED_UNLISTED] = {"parked.unlisted", FINDING,
		"the class is put into drover:parked"},
	[FSCK_PARKED_EMPTY] = {"parked.empty", FINDING, "the class is taken out"},
	[FSCK_PARKED_ITEM] = {"parked.item", FINDING, NULL},
	[FSCK_PARKED_STUCK] = {"parked.stuck", FINDING,
		"the first goes back into its queue, the others follow as it ends"},
	[FSCK_PAUSED_ITEM] = {"paused.item", FINDING, NULL},
	[FSCK_PAUSED_UNWANTED] = {"paused.unwanted", FINDING, "it goes to the end of its queue"},
	[FSCK_PAUSE_IDLE] = {"pause.idle", FINDING, "the wish is taken out"},
	[FSCK_DELAYED_EMPTY] = {"delayed.empty", FINDING, "it is taken out"},
	[FSCK_DELAYED_TIMELESS] = {"delayed.timeless", FINDING, "it becomes due now"},
	[FSCK_DELAYED_ITEM] = {"delayed.item", FINDING, NULL},
	[FSCK_DELAYED_OVERDUE] = {"delayed.overdue", NOTICE, NULL},
	[FSCK_SCHEDULER_UNLISTED] = {"scheduler.unlisted", NOTICE, NULL},
	[FSCK_SCHEDULER_STALE] = {"scheduler.stale", NOTICE, NULL},
	[FSCK_SUPERVISOR_UNNAMED] = {"supervisor.unnamed", FINDING, "it is removed"},
	[FSCK_WORKER_DEAD] = {"worker.dead", FINDING, "it is unregistered"},
	[FSCK_WORKER_STRANGE] = {"worker.strange", NOTICE, NULL},
	[FSCK_WORKER_REMAINS] = {"worker.remains", FINDING, "they are removed"},
	[FSCK_RUN_LOST] = {"run.lost", FINDING, NULL},
	[FSCK_RUN_STATE] = {"run.state", FINDING, "the record is set right"},
	[FSCK_RUN_FOREVER] = {"run.forever", FINDING, "it goes in a week"},
	[FSCK_RUN_SUMS] = {"run.sums", FINDING, "it is set to what its parts say"},
	[FSCK_RUN_ERRORS] = {"run.errors", FINDING, NULL},
	[FSCK_RUN_REMAINS] = {"run.remains", FINDING, "it goes in a day"},
	[FSCK_PARTS_LEFT] = {"parts.left", FINDING, "it is set to how many have not ended"},
	[FSCK_PART_LOST] = {"part.lost", FINDING, NULL},
	[FSCK_PART_STATE] = {"part.state", FINDING, "the state is set right"},
	[FSCK_PART_BOUNDS] = {"part.bounds", FINDING, NULL},
	[FSCK_CSV_CHUNK] = {"csv.chunk", NOTICE, NULL},
	[FSCK_CSV_FOREVER] = {"csv.forever", FINDING, "it goes in a day"},
	[FSCK_RUNS_GONE] = {"runs.gone", NOTICE, "it is taken out"},
	[FSCK_ID_VALUE] = {"id.value", FINDING, NULL},
	[FSCK_ID_GONE] = {"id.gone", NOTICE, NULL},
	[FSCK_JOB_TWICE] = {"job.twice", FINDING, NULL},
	[FSCK_JOB_SAME_ID] = {"job.same_id", NOTICE, NULL},
	[FSCK_JOB_MANY] = {"job.many", NOTICE, NULL},
	[FSCK_COUNTER] = {"counter", FINDING, NULL},
};

struct fsck_finding *fsck_add(struct fsck_findings *f, enum fsck_kind kind, const char *key,
	struct span rest, const char *fmt, ...)
{
	struct fsck_finding *item;
	char *sentence = NULL;
	va_list ap;

	if (f->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 16;
		f->items = must_realloc(f->items, f->cap * sizeof *f->items);
	}
	item = &f->items[f->n++];
	*item = (struct fsck_finding){.kind = kind};
	text_add_str(&item->where, key);
	text_add_span(&item->where, rest);
	va_start(ap, fmt);
	must(vasprintf(&sentence, fmt, ap) >= 0);
	va_end(ap);
	text_add_utf8(&item->text, span_of(sentence));
	free(sentence);
	return item;
}

void fsck_findings_fini(struct fsck_findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		text_fini(&f->items[i].where);
		text_fini(&f->items[i].text);
		words_fini(&f->items[i].words);
	}
	free(f->items);
	*f = (struct fsck_findings){0};
}
