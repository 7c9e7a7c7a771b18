/*
 * url: the pieces of a URL: escapes, numbers, hosts. Any process. Pure. No sentence holds the text
 * it is about, for that may be a password; `what` names the piece.
 */
#ifndef DROVER_REDIS_URL_H
#define DROVER_REDIS_URL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/text.h"

/* Percent-escapes decoded into a new string; NULL where one is malformed or a NUL byte. */
char *url_decode(struct span s, const char *what, struct err *err);

/* A whole number without sign, at most `max`. */
int url_number(struct span s, int max, const char *what, int *out, struct err *err);

struct span url_cut(struct span s, size_t from, size_t to);

/* Where `c` stands in `s`, or -1; the last one if `last`. */
ssize_t url_find(struct span s, char c, bool last);

/* HOST, HOST:PORT, [V6], [V6]:PORT; `usual` is the port where none is named. `host` is the caller's. */
int url_host_port(struct span s, int usual, char **host, int *port, struct err *err);

/* A name or address that can be looked up, shown and logged. */
bool url_host_ok(const char *host);

#endif
