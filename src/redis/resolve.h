/*
 * resolve: the addresses of a host name, without blocking the loop and without a child or thread.
 */
#ifndef DROVER_REDIS_RESOLVE_H
#define DROVER_REDIS_RESOLVE_H

#include "base/err.h"

struct event_base;
struct addrinfo;
struct resolve;

/* `found` is the caller's (evutil_freeaddrinfo), or NULL with `why`. Called once, by the loop or
   within resolve_start. resolve_free may be called inside it. */
typedef void resolve_fn(void *ctx, struct addrinfo *found, const struct err *why);

/* A loop that ends must be turned so often after resolve_free, or some memory is lost. */
#define RESOLVE_LINGER_TURNS 3

struct resolve *resolve_new(struct event_base *base, resolve_fn *fn, void *ctx);
void resolve_start(struct resolve *q, const char *host, int port);
void resolve_free(struct resolve *q); /* `fn` is not called any more */

#endif
