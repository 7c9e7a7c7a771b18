/*
 * nursery/items/listed: items that were set aside, to be tried again. In the child. drover-items writes
 * them to the stream socket, without being asked, until its end:
 *
 *   NUMBER COUNT WHOLE CURSOR_LENGTH LENGTH\n, the cursor before it, the item
 *   error TEXT\n instead: there is no list, or no more of it
 *
 * They are given as they were: no window, no batch, no nesting, and no place to go on at, since what
 * succeeds leaves the list. COUNT items were one; where WHOLE is 0 the text may be a part of it, and
 * the item is read again where it stood.
 */
#include "base/must.h"
#include "nursery/items/bytes.h"
#include "nursery/items/number.h"
#include "nursery/items/source.h"
#include "wire/job_line.h"

#include <stdlib.h>
#include <string.h>

#define ITEM_MAX (16 * 1024 * 1024)

struct listed {
	struct bytes bytes;
	struct text cursor;
	/* Where they stood. */
	struct job_message m;
	struct collection_start start;
	struct collection *stood; /* the one that gave the item in hand */
	struct text why;
};

struct head {
	int64_t number, count, whole, cursor_len, len;
};

static void *listed_open(const struct source_args *a, int64_t *number, struct err *err)
{
	struct listed *l;

	if (a->stream < 0) {
		err_set(err, "there is no stream for the items that were set aside");
		return NULL;
	}
	*number = 0;
	l = must_alloc(sizeof *l);
	bytes_open_pipe(&l->bytes, a->stream, "the list of items");
	l->bytes.stop = a->stop;
	l->bytes.stop_ctx = a->stop_ctx;
	text_reserve(&l->cursor, 0);
	l->m = *a->m;
	l->m.each.flags &= ~(uint32_t)JOB_EACH_LISTED;
	l->m.collection.stream = 0;
	l->start =
		(struct collection_start){.stream = -1, .stop = a->stop, .stop_ctx = a->stop_ctx};
	return l;
}

static void listed_close(void *self)
{
	struct listed *l = self;

	bytes_close(&l->bytes);
	collection_close(l->stood);
	text_fini(&l->cursor);
	text_fini(&l->why);
	free(l);
}

static bool take_number(struct span *rest, int64_t least, int64_t most, int64_t *out)
{
	struct span word;

	return number_cut(rest, ' ', &word) && number_read(word, out) && *out >= least &&
	       *out <= most;
}

static int read_head(const struct bytes_record *r, struct head *h, struct err *err)
{
	struct span rest = bytes_without_end(r->text);

	if (rest.len > 6 && memcmp(rest.at, "error ", 6) == 0)
		return err_set(err, "%.*s", (int)(rest.len - 6), rest.at + 6);
	if (!r->whole || r->cut || !take_number(&rest, 1, INT64_MAX, &h->number) ||
		!take_number(&rest, 1, INT64_MAX - h->number, &h->count) ||
		!take_number(&rest, 0, 1, &h->whole) ||
		!take_number(&rest, 0, JOB_CURSOR_MAX, &h->cursor_len) ||
		!number_read(rest, &h->len) || h->len < 0 || h->len > ITEM_MAX)
		return err_set(err, "the list of items: five numbers are due");
	return 0;
}

/* -- where they stood ---------------------------------------------------------------------------- */

/* Members of a key, and what was uploaded, are told over a stream; ours is taken. */
static bool can_be_read_again(const struct listed *l)
{
	const uint32_t kind = l->m.collection.kind;
	const bool file = kind == JOB_LINES || kind == JOB_JSON || kind == JOB_CSV;

	return kind != JOB_MEMBERS && (!file || l->m.path);
}

static const char *why_not(struct listed *l, const char *why)
{
	text_clear(&l->why);
	text_addf(&l->why, "it was not kept whole, and cannot be read again: %s", why);
	return l->why.data;
}

/* 1: `item` is it, or says why it is not; -1: it was told to stop. */
static int read_again(
	struct listed *l, const struct head *h, struct source_item *item, struct err *err)
{
	struct collection_item again;
	int got = -1;

	collection_close(l->stood);
	l->m.each.batch = h->count;
	l->start.cursor = (struct span){l->cursor.data, l->cursor.len};
	l->start.number = h->number - 1;
	l->stood = collection_open(&l->m, &l->start, err);
	if (l->stood)
		got = collection_next(l->stood, INT64_MAX, &again, err);
	if (got < 0 && l->start.stop && l->start.stop(l->start.stop_ctx))
		return -1;
	if (got < 0)
		item->unfit = why_not(l, err->text);
	else if (got == 0 || again.number != h->number || again.last != h->number + h->count - 1)
		item->unfit = why_not(l, "it is not there any more");
	else
		item->text = again.text, item->unfit = again.unfit;
	return 1;
}

/* -- one after another --------------------------------------------------------------------------- */

static int next_listed(struct listed *l, struct head *h, struct span *text, struct err *err)
{
	struct bytes_record r;
	struct span both;
	int got = bytes_next_record(&l->bytes, bytes_find_newline, NULL, &r, err);

	if (got <= 0)
		return got;
	if (read_head(&r, h, err) != 0)
		return -1;
	got = bytes_take(&l->bytes, (size_t)(h->cursor_len + h->len), &both, err);
	if (got == 0)
		return err_set(err, "the list of items ends in one");
	if (got < 0)
		return -1;
	text_clear(&l->cursor);
	text_add(&l->cursor, both.at, (size_t)h->cursor_len);
	*text = (struct span){both.at + h->cursor_len, (size_t)h->len};
	return 1;
}

/* What is neither whole nor to be had again stays as it is. */
static int listed_next(void *self, struct source_item *item, struct err *err)
{
	struct listed *l = self;
	struct head h;
	struct span text;
	int got;

	do
		got = next_listed(l, &h, &text, err);
	while (got == 1 && !h.whole && !can_be_read_again(l));
	if (got <= 0)
		return got;
	*item = (struct source_item){.text = text, .number = h.number, .count = h.count};
	return h.whole ? 1 : read_again(l, &h, item, err);
}

static void listed_add_cursor(void *self, struct text *out)
{
	const struct listed *l = self;

	text_add(out, l->cursor.data, l->cursor.len);
}

const struct source SOURCE_LISTED = {
	.may_break = true,
	.numbered = true,
	.open = listed_open,
	.close = listed_close,
	.next = listed_next,
	.add_cursor = listed_add_cursor,
};
