/*
 * lease: this supervisor's right to what it has in flight. It is kept by beats from the very loop
 * that reaps the children; each beat also compares what Redis thinks we hold with what we hold.
 */
#ifndef DROVER_SUPERVISOR_LEASE_H
#define DROVER_SUPERVISOR_LEASE_H

#include <stdbool.h>

#include "queue/verbs.h"

struct event_base;
struct lease;

/* What is in hand, collected by the owner for each beat. */
struct lease_holdings {
	struct verbs_pool_mark *pools;
	size_t n_pools;
	struct span *tokens;
	size_t n_tokens;
	const struct span *record; /* field value .. of drover:supervisor:ID */
	size_t n_record;
};

struct lease_events {
	/* Fills in what is in hand; it must stay until the next call. */
	void (*collect)(void *ctx, struct lease_holdings *out);
	void (*held)(
		void *ctx, bool first); /* a beat was answered OK; `first`: since (re)connecting */
	void (*orphan)(void *ctx, struct span token, struct span entry);
	void (*missing)(void *ctx, struct span token);
	void (*taken)(void *ctx); /* another supervisor took it over: all in hand is theirs now */
	void (*forgotten)(
		void *ctx); /* Redis lost data; it is registered again after this returns */
};

struct lease *lease_new(
	struct event_base *base, struct verbs *verbs, const struct lease_events *events, void *ctx);
void lease_free(struct lease *l);

void lease_connected(struct lease *l); /* the first thing said on a new connection is a beat */
void lease_disconnected(struct lease *l);
void lease_beat_now(struct lease *l);	   /* out of turn, unless one is under way */
bool lease_is_held(const struct lease *l); /* confirmed on this connection */
void lease_renew_as(struct lease *l); /* after `taken`: verbs->lease has a new id: register it */

/*
 * Until when nobody else can have it: 0.8 lease after the last confirmed beat was sent, by
 * CLOCK_BOOTTIME. 0: none was confirmed.
 */
int64_t lease_deadline_boot_ms(const struct lease *l);

/* By our own clock it has run out, and others may have taken it over without our knowing yet. */
bool lease_may_be_anothers(const struct lease *l);

/* NAME:PID:RANDOM. Caller frees. */
char *lease_new_id(const char *name);

#endif
