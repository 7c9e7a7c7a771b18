/*
 * queue/waiting: jobs that wait elsewhere than in a queue: for their time (drover:delayed), for a
 * place among the running ones of their class (drover:parked), for their run to be resumed
 * (drover:paused:jobs), or for a time in the layout of resque-scheduler. The forms are pure; the rest only reads, and answers as queue/ask.h says.
 */
#ifndef DROVER_QUEUE_WAITING_H
#define DROVER_QUEUE_WAITING_H

#include <stdbool.h>

#include "queue/inspect.h"
#include "queue/keys.h"

/* -- forms ----------------------------------------------------------------------------------- */

/* One of drover:delayed:jobs, "WHY LEN QUEUE PAYLOAD"; or of drover:parked:CLASS and
   drover:paused:jobs, without WHY. */
struct waiting {
	struct span why, queue, payload;
};
/* What is told points into `text`. false: none of ours. */
bool waiting_read_delayed(struct waiting *w, struct span text);
bool waiting_read_parked(struct waiting *w, struct span text);

/* The state of a job that is delayed for this reason. */
const char *waiting_state(struct span why);

/* The jid in a member of drover:delayed: "JID" or "JID/2". */
struct span waiting_jid(struct span member);

/*
 * Items of resque-scheduler have no id: this names one by its second and its bytes. `out` holds
 * WAITING_ID_SIZE bytes; returned.
 */
#define WAITING_ID_SIZE 48
char *waiting_foreign_id(struct span second, struct span item, char *out);
/* The second in such an id; empty where it is none. */
struct span waiting_foreign_second(struct span id);

/* -- reading --------------------------------------------------------------------------------- */

int waiting_delayed_size(const struct inspect *in, int64_t *size, struct err *err);
/* Pairs member, due in Redis's ms, the next ones first. */
int waiting_delayed_part(
	const struct inspect *in, int64_t from, int64_t n, struct texts *pairs, struct err *err);
/* What stands behind each `step`th of `members`; empty where it has gone meanwhile. */
int waiting_delayed_jobs(const struct inspect *in, const struct texts *members, size_t step,
	struct texts *jobs, struct err *err);
/*
 * The delayed job with this jid: its member, its text and its due time; a job of a jid that stands
 * there more than once is the one that was there first. `found` is empty where there is none.
 */
int waiting_delayed_find(
	const struct inspect *in, struct span jid, struct texts *found, struct err *err);

int waiting_parked_classes(const struct inspect *in, struct texts *classes, struct err *err);
int waiting_parked_size(
	const struct inspect *in, struct span class_name, int64_t *size, struct err *err);
int waiting_parked_part(const struct inspect *in, struct span class_name, int64_t from, int64_t n,
	struct texts *items, struct err *err);

/* Jobs of paused runs. */
int waiting_paused_size(const struct inspect *in, int64_t *size, struct err *err);
/* Pairs jid, text as of a parked one; `cursor` is where to go on: "0" at first, and at the end. */
int waiting_paused_part(
	const struct inspect *in, struct text *cursor, struct texts *pairs, struct err *err);
/* The text behind this jid; empty where it is not there. */
int waiting_paused_find(
	const struct inspect *in, struct span jid, struct texts *found, struct err *err);

/* Seconds of resque-scheduler's that have items or had some, as it writes them. */
int waiting_foreign_seconds(
	const struct inspect *in, int64_t from, int64_t n, struct texts *seconds, struct err *err);
int waiting_foreign_size(
	const struct inspect *in, struct span second, int64_t *size, struct err *err);
int waiting_foreign_part(const struct inspect *in, struct span second, int64_t from, int64_t n,
	struct texts *items, struct err *err);

/* How many are delayed, parked, and of paused runs, by queue (ours alone). */
struct waiting_count {
	struct text queue;
	int64_t delayed, parked, paused;
};
struct waiting_counts {
	struct waiting_count *items;
	size_t n;
};
int waiting_count(const struct inspect *in, struct waiting_counts *counts, struct err *err);
void waiting_counts_fini(struct waiting_counts *counts);
/* NULL: none of this queue. */
const struct waiting_count *waiting_counts_find(
	const struct waiting_counts *counts, struct span queue);

#endif
