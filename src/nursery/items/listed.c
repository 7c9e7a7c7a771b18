/*
 * nursery/items/listed: items that were set aside, to be tried again. In the child. drover-items writes
 * them to the stream socket, without being asked, until its end:
 *
 *   NUMBER CURSOR_LENGTH LENGTH\n, the cursor, the item
 *   error TEXT\n instead: there is no list, or no more of it
 *
 * They are given as they were: no window, no batch, no nesting, and no place to go on at, since what
 * succeeds leaves the list.
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
	return l;
}

static void listed_close(void *self)
{
	struct listed *l = self;

	bytes_close(&l->bytes);
	text_fini(&l->cursor);
	free(l);
}

static int read_head(const struct bytes_record *r, int64_t *number, int64_t *cursor, int64_t *len,
	struct err *err)
{
	struct span rest = bytes_without_end(r->text), word;

	if (rest.len > 6 && memcmp(rest.at, "error ", 6) == 0)
		return err_set(err, "%.*s", (int)(rest.len - 6), rest.at + 6);
	if (!r->whole || r->cut || !number_cut(&rest, ' ', &word) || !number_read(word, number) ||
		!number_cut(&rest, ' ', &word) || !number_read(word, cursor) ||
		!number_read(rest, len) || *number < 1 || *cursor < 0 || *cursor > JOB_CURSOR_MAX ||
		*len < 0 || *len > ITEM_MAX)
		return err_set(err, "the list of items: a number and two lengths are due");
	return 0;
}

static int listed_next(void *self, struct source_item *item, struct err *err)
{
	struct listed *l = self;
	struct bytes_record r;
	struct span both;
	int64_t number, cursor, len;
	int got = bytes_next_record(&l->bytes, bytes_find_newline, NULL, &r, err);

	if (got <= 0)
		return got;
	if (read_head(&r, &number, &cursor, &len, err) != 0)
		return -1;
	got = bytes_take(&l->bytes, (size_t)(cursor + len), &both, err);
	if (got == 0)
		return err_set(err, "the list of items ends in one");
	if (got < 0)
		return -1;
	text_clear(&l->cursor);
	text_add(&l->cursor, both.at, (size_t)cursor);
	if (item)
		*item = (struct source_item){
			.text = {both.at + cursor, (size_t)len}, .number = number};
	return 1;
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
