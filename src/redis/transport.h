/*
 * transport: a stream of bytes to a Redis: name, socket, TLS. It knows nothing of what is said.
 */
#ifndef DROVER_REDIS_TRANSPORT_H
#define DROVER_REDIS_TRANSPORT_H

#include "redis/redis.h"

struct evbuffer;
struct transport;

/* Why something ended, and whether trying again can help. */
struct fault {
	struct err why;
	bool lasting;
};

/* All called by the loop, never within transport_open. Any of them may close the transport. */
struct transport_events {
	void (*opened)(void *ctx);			     /* the peer is who it should be */
	void (*came)(void *ctx, struct evbuffer *in);	     /* take what you want off `in` */
	void (*broke)(void *ctx, const struct fault *fault); /* once; nothing comes after it */
};

/* `options` and `events` must outlive the transport. `attempt` chooses the address tried first. */
struct transport *transport_open(struct event_base *base, const struct redis_options *options,
	unsigned attempt, const struct transport_events *events, void *ctx);
void transport_close(struct transport *t); /* NULL is fine */

/* What it waits for until it is opened, to stand behind "no ". */
const char *transport_lacks(const struct transport *t);

/* Where to put what is to be sent; it leaves in one write when the loop turns. Once opened. */
struct evbuffer *transport_output(struct transport *t);

#endif
