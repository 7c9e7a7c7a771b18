/*
 * nursery/items/source: what a kind of collection has to know: where an item begins, what it says,
 * and how its place is named. In the child. Windows, `end`, batches and the cursor before an item
 * are collection.c's, for all of them; two nested ones are a source themselves (nested.c).
 */
#ifndef DROVER_NURSERY_ITEMS_SOURCE_H
#define DROVER_NURSERY_ITEMS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "nursery/items/collection.h"
#include "wire/job_message.h"

/* Everything in it outlives the source. */
struct source_args {
	const struct job_message
		*m; /* for what is no matter of one collection: environment, flags */
	const struct job_collection *what;
	const char *path;
	const char *const *argv;
	struct span cursor;	 /* .len 0: from the beginning */
	int stream;		 /* -1: there is none */
	bool inner;		 /* one of two that are nested: the window is not told to it */
	bool (*stop)(void *ctx); /* or NULL; asked while bytes are read */
	void *stop_ctx;
};

struct source_item {
	struct span text; /* valid until the next call */
	int64_t number;	  /* 0: one more than the last */
	int64_t count;	  /* 0: one */
	const char *unfit;
};

/* The part of a collection that is gone through: item numbers, both included. */
struct source_window {
	int64_t first, last;
};

struct source_plan {
	const struct source_args *args;
	struct source_window window;
	int64_t batch, bounds;
};

struct source {
	bool json;	/* its texts are JSON as they are */
	bool may_break; /* a line break may stand in a text */
	bool numbered; /* gives numbers of its own, is not windowed and not batched; its cursors are
			   those before its items */

	/* `number`: of the item that the cursor names, as far as the caller knows; corrected where the
	   cursor tells it. */
	void *(*open)(const struct source_args *args, int64_t *number, struct err *err);
	void (*close)(void *self);
	/* 1, 0, -1. Without `item` one is only passed by. */
	int (*next)(void *self, struct source_item *item, struct err *err);
	/* Appends the cursor of the item that next() passed last. */
	void (*add_cursor)(void *self, struct text *out);
	/* NULL: neither counted nor divided. */
	int (*plan)(const struct source_plan *p, struct collection_plan *out, struct err *err);
};

extern const struct source SOURCE_RANGE, SOURCE_LINES, SOURCE_JSON, SOURCE_CSV, SOURCE_PRINTED,
	SOURCE_MEMBERS, SOURCE_LISTED, SOURCE_NESTED;

/* NULL and a sentence where there is none of this kind. */
const struct source *source_of(uint32_t kind, struct err *err);

/* What `m` describes, outermost; its window. */
const struct source *source_of_message(const struct job_message *m, struct err *err);
struct source_window source_window(const struct job_message *m, const struct source *source);
struct source_args source_args(const struct job_message *m, struct span cursor, int stream);

#endif
