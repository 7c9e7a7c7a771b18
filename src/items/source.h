/*
 * items/source: a collection that stands in Redis, as drover-items serves it: what can be asked of
 * it is one table a kind, in ranked.c, scanned.c and uploaded.c. Only reads.
 */
#ifndef DROVER_ITEMS_SOURCE_H
#define DROVER_ITEMS_SOURCE_H

#include <stdint.h>

#include "items/store.h"
#include "wire/stream.h"
#include "wire/stream_spec.h"

/* Items as they go over the socket, behind "items N\n". */
struct items {
	struct text bytes;
	int64_t n;
};
void items_add(struct items *items, struct span cursor, struct span item);

struct source;

/* NULL: it cannot be asked that. All answer 0, or -1 with the reason. */
struct source_kind {
	struct source *(*open)(struct store *store, const struct stream_spec *spec);
	void (*close)(struct source *s);
	int (*count)(struct source *s, int64_t *n, struct err *err); /* -1: not known */
	int (*next)(struct source *s, const struct stream_question *q, struct items *out,
		struct err *err);
	int (*size)(struct source *s, int64_t *n, struct err *err);
	/* Appends all there is, which is said without a question. */
	int (*tell)(struct source *s, struct text *out, struct err *err);
	/* Appends. */
	int (*read)(struct source *s, const struct stream_question *q, struct text *out,
		struct err *err);
};

/* What all of them have; the first member of each kind's own struct. */
struct source {
	const struct source_kind *kind;
	struct store *store;
	struct stream_spec spec; /* its strings are the caller's */
};

extern const struct source_kind RANKED_KIND;   /* a list, a sorted set: by index */
extern const struct source_kind SCANNED_KIND;  /* a set, a hash, names of keys: by SCAN */
extern const struct source_kind UPLOADED_KIND; /* a file */
extern const struct source_kind ASIDE_KIND;    /* items of a run that were set aside */

struct source *source_open(struct store *store, const struct stream_spec *spec);
void source_close(struct source *s); /* NULL is fine */

/* One command that answers a number: COMMAND KEY. */
int source_ask_number(struct source *s, const char *command, int64_t *n, struct err *err);

#endif
