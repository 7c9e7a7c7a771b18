/*
 * pool: a named set of slots serving one ordered list of queues. It asks for as many jobs as it
 * has room for, one fetch at a time, numbered: while an answer is not known the same fetch is
 * asked again and nothing else.
 */
#ifndef DROVER_SUPERVISOR_POOL_H
#define DROVER_SUPERVISOR_POOL_H

#include "queue/verbs.h"
#include "supervisor/fleet/queue_order.h"
#include "supervisor/job/slot.h"

struct pool;

struct pool_events {
	/* A fetch was answered: jobs may be waiting still (`more`), or the queues are empty. */
	void (*fetched)(void *ctx, struct pool *p, bool more);
	void (*unknown_lease)(void *ctx);
	void (*give_back)(void *ctx, struct job *job); /* no worker can have it; freed */
};

struct pool {
	char *name;
	char *mark; /* its name in the lease: another one for each incarnation of the name */
	struct queue_order *order;
	int workers_wanted;
	struct slot *slots; /* in order of their numbers */
	int64_t number;	    /* of the last fetch asked */
	int64_t answered;   /* of the last fetch answered */
	bool verdicts_sent; /* all verdicts so far are before this fetch on the connection */
	bool under_way;
	bool maybe_more;     /* worth asking */
	struct slot **asked; /* for whom the fetch under way, or to be asked again, is */
	size_t n_asked, cap_asked;
	size_t n_first;	     /* so many of them for workers without a job, the rest ahead */
	struct job *backlog; /* taken, but its slot is not free yet */
	int64_t backlog_since_mono_ms;
	bool retiring; /* goes when its slots are gone */
	struct verbs *verbs;
	struct settings **settings; /* the current ones, wherever the owner keeps them */
	bool refusal_said;
	const struct pool_events *events;
	void *ctx;
	struct pool *next;
};

struct pool *pool_new(const char *name, const char *mark, struct verbs *verbs,
	struct settings **settings, const struct pool_events *events, void *ctx);
void pool_free(struct pool *p); /* its slots are the caller's */

/* Asks for jobs for its free slots, if there is room and sense in it. */
void pool_fetch(struct pool *p);

/* The connection is new: what was under way must be asked again. */
bool pool_has_unanswered(const struct pool *p);

/* A new lease id: numbers begin anew, what was asked is void. */
void pool_reset_numbers(struct pool *p);

/* A slot of this pool is free: gives it what waits for it; false: nothing does. */
bool pool_serve_backlog(struct pool *p, struct slot *s);

/* What waits for a slot goes back: since `before`, or all (INT64_MAX). */
void pool_return_backlog(struct pool *p, int64_t before_mono_ms);

int pool_all_slots(const struct pool *p);
int pool_living_slots(const struct pool *p); /* those that are not retiring */

#endif
