/*
 * outbox: verdicts on their way to Redis. Each is kept until Redis has confirmed it, whatever
 * happens to the connection; sending it again is harmless (finish.lua). What comes together goes
 * out together.
 */
#ifndef DROVER_SUPERVISOR_OUTBOX_H
#define DROVER_SUPERVISOR_OUTBOX_H

#include "queue/verbs.h"

struct event_base;
struct journal;
struct outbox;

struct outbox_events {
	/* Redis applied it, or it was stale: the token is nobody's any more. */
	void (*confirmed)(void *ctx, void *owner);
	/* Redis does not know the lease: a beat is due. */
	void (*unknown_lease)(void *ctx);
	bool stale_is_normal; /* they may have been applied before: not worth a warning */
};

struct outbox *outbox_new(struct event_base *base, struct verbs *verbs,
	const struct verbs_keep *keep, const struct outbox_events *events, void *ctx);
void outbox_free(struct outbox *o);

/*
 * From now on verdicts are noted there too, until they are confirmed; NULL: nowhere. It is the
 * caller's. What waits is noted in it at once; in an older one it stays as it is.
 */
void outbox_set_journal(struct outbox *o, struct journal *journal);

/* How long what is known of a job is kept after its end, from now on. */
void outbox_keep(struct outbox *o, const struct verbs_keep *keep);

/* Copies the verdict. `owner` comes back with `confirmed`; NULL: nobody waits for it. */
void outbox_add(struct outbox *o, const struct verdict *v, void *owner);

/* Writes down what came, as outbox_flush does first; for the end of a turn in which nothing can be sent. */
void outbox_write_down(struct outbox *o);

/* Sends what waits; to be called at the end of a turn and when the connection is back. */
void outbox_flush(struct outbox *o);

/*
 * False while it pays to wait: verdicts come so fast that a few more will be here within half a
 * millisecond, and a batch of them costs Redis and us little more than one. `workers` bounds how
 * many can come. Pure but for what was noted as they came.
 */
bool outbox_is_due(const struct outbox *o, size_t workers);

/* The lease is another's: nothing of this counts. Every owner is told `confirmed`. */
void outbox_drop_all(struct outbox *o);

bool outbox_all_sent(const struct outbox *o);
size_t outbox_count(const struct outbox *o); /* not confirmed yet */
/* Nor is an answer awaited to what was dropped: it may be freed though its connection stands. */
bool outbox_is_done(const struct outbox *o);

/* Those that nobody waits for: their jobs are gone from all slots. */
typedef void outbox_each_verdict_fn(void *ctx, const struct verdict *v);
void outbox_each_unowned(const struct outbox *o, outbox_each_verdict_fn *fn, void *ctx);

typedef void outbox_each_fn(void *ctx, struct span token);
void outbox_each(const struct outbox *o, outbox_each_fn *fn, void *ctx);

#endif
