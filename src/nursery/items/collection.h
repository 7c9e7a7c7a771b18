/*
 * nursery/items/collection: a collection, item by item, from a cursor on. In the child, before and
 * while it performs its items; links libc alone. What the kinds of collections are is behind one
 * table (struct source, source.h); windows, batches and nesting are the same for all of them.
 *
 * Items are numbered from 1 in the whole collection (a header is not counted), whatever window or
 * part is gone through. A cursor names the last item given; it is printable but for what a key or a
 * command put into it, holds no newline or NUL, and has at most JOB_CURSOR_MAX bytes.
 */
#ifndef DROVER_NURSERY_ITEMS_COLLECTION_H
#define DROVER_NURSERY_ITEMS_COLLECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/job_message.h"

struct collection;

struct collection_item {
	struct span text;     /* one line, without its end; valid until the next call */
	int64_t number, last; /* of its first and its last: with `batch` it may be several */
	const char *unfit;    /* not NULL: it cannot be given to anybody, and why (a line break in a
				  member of a key); it is to be set aside, and the text may be a part */
};

struct collection_start {
	struct span
		cursor; /* it goes on behind it; .len 0: at the beginning. Need not outlive the open */
	int64_t number; /* of the item that the cursor names */
	int stream;	/* wire/stream.h; not closed with the collection; -1: there is none */
	/* Asked now and then while something is waited for: true, and it is given up. NULL: never. */
	bool (*stop)(void *ctx);
	void *stop_ctx;
};

/*
 * Opens what `m` describes, which must outlive it. NULL and a sentence where that cannot be; CHANGED
 * in front of it where a file is not the one the cursor was made for (unless JOB_EACH_CHANGE).
 */
#define COLLECTION_CHANGED "the collection has changed: "
struct collection *collection_open(
	const struct job_message *m, const struct collection_start *start, struct err *err);
void collection_close(struct collection *c);

/*
 * The next item, with a number of at most `end` (of a batch all of them): 1; 0: there is none any
 * more, or not up to `end`; -1: it cannot be read, or `stop` said so.
 */
int collection_next(
	struct collection *c, int64_t end, struct collection_item *item, struct err *err);

/* Names the item given last; valid until the next call. */
struct span collection_cursor(const struct collection *c);

/* Cursor and number before that item: what set-aside items are found by. */
struct span collection_cursor_before(const struct collection *c);

/* What a collection is found to be when it is gone through once, before its first item. */
struct collection_plan {
	int64_t total;	    /* items in the window; -1: not known without performing them */
	struct text bounds; /* as the line `plan` has them (wire/job_line.h): "NUMBER:CURSOR .." */
};

/*
 * At most `bounds` places, about evenly spread, at which the window can be divided: NUMBER is the
 * number of the item that CURSOR names; the first is that before the window's first item (its cursor
 * may be empty), and none stands at its end. None where the collection cannot be divided. 1; 0 where
 * `stop` said so, which is asked now and then; -1.
 */
int collection_make_plan(const struct job_message *m, int64_t bounds, bool (*stop)(void *ctx),
	void *ctx, struct collection_plan *plan, int stream, struct err *err);

#endif
