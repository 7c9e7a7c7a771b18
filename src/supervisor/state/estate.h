/*
 * estate: one folder of a start that is gone, while it is taken over: whatever of that start lives
 * is ended, then its verdicts are sent under its own lease, then the lease is adopted by name.
 * Each step is a short one of the loop.
 */
#ifndef DROVER_SUPERVISOR_ESTATE_H
#define DROVER_SUPERVISOR_ESTATE_H

#include <stdbool.h>

#include "queue/verbs.h"
#include "supervisor/state/state_dir.h"

struct event_base;
struct estate;

typedef void estate_adopted_fn(void *arg, bool done);

/* What it needs of whoever takes it over. */
struct estate_ops {
	bool (*may_talk)(void *ctx); /* our own lease is held: Redis can be told of others */
	/* Adopts a lease by name. False, and nobody called, where it cannot be asked now. */
	bool (*adopt)(void *ctx, const char *lease, estate_adopted_fn *fn, void *arg);
	/* To be freed: with estate_remove, or with estate_keep where it is for others (`mine` false). */
	void (*finished)(void *ctx, struct estate *e, bool mine);
};

struct estate_plan {
	bool look;	    /* something of it may live here: look for its mark */
	bool by_scoreboard; /* its process ids mean the same to us */
	bool certain;	    /* when nothing is found, nothing lives: its lease may be adopted */
	bool ours;	    /* its lease stands where ours does; else the folder waits for others */
};

/* Pure. */
struct estate_plan estate_decide(const struct state_about *self, const struct state_about *other);

/* Takes over the folder and what `about` holds; begins with the next turn of the loop. */
struct estate *estate_new(struct event_base *base, struct state_folder *folder,
	const struct state_about *about, struct estate_plan plan, const struct verbs *verbs,
	struct verbs_keep keep, const struct estate_ops *ops, void *ctx);
void estate_keep(struct estate *e);   /* lets go of it; the folder stays */
void estate_remove(struct estate *e); /* with its folder */

/* The name of its folder. */
const char *estate_name(const struct estate *e);

/* Our lease is held: what waited for it goes on. */
void estate_go_on(struct estate *e);

#endif
