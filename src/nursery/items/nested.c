/*
 * nursery/items/nested: two collections, the inner one gone through for each item of the outer one.
 * In the child. An item is the pair [OUTER, INNER], and pairs are numbered. The cursor is
 *
 *   LENGTH OUTER INNER
 *
 * OUTER, of that LENGTH, is the cursor before the outer item in hand, so that going on there gives
 * that item again; INNER is the inner cursor, behind which its inner items go on. Where INNER is
 * empty there is no outer item in hand: behind one that could be given to nobody.
 */
#include "base/must.h"
#include "nursery/items/collection.h"
#include "nursery/items/fill.h"
#include "nursery/items/number.h"
#include "nursery/items/source.h"
#include "wire/job_line.h"

#include <stdlib.h>
#include <string.h>

struct nested {
	struct source_args outer_args, inner_args;
	const struct source *outer, *inner;
	void *outer_self, *inner_self;	     /* inner NULL: the next outer item is due */
	struct text outer_before, outer_now; /* cursors */
	struct text outer_item, outer_json;  /* its text, and as it stands in a pair */
	struct text path, pair;
	const char *const *argv; /* the inner one's, not yet filled in */
	char **filled;
};

/* -- the inner collection ------------------------------------------------------------------------ */

static void drop_filled(struct nested *n)
{
	for (char **at = n->filled; at && *at; at++)
		free(*at);
	free(n->filled);
	n->filled = NULL;
}

static int fill_argv(struct nested *n, struct span item, struct err *err)
{
	size_t count = 0;

	drop_filled(n);
	while (n->argv && n->argv[count])
		count++;
	n->filled = must_alloc((count + 1) * sizeof *n->filled);
	for (size_t i = 0; i < count; i++) {
		struct text one = {0};
		int done = fill(&one, n->argv[i], item, err);

		n->filled[i] = text_take(&one);
		if (done != 0)
			return -1;
	}
	n->inner_args.argv = (const char *const *)n->filled;
	return 0;
}

static int fill_in(struct nested *n, struct err *err)
{
	struct span item = {n->outer_item.data, n->outer_item.len};

	text_clear(&n->path);
	n->inner_args.path = NULL;
	if (n->inner_args.m->inner_path) {
		if (fill(&n->path, n->inner_args.m->inner_path, item, err) != 0)
			return -1;
		n->inner_args.path = n->path.data;
	}
	return fill_argv(n, item, err);
}

/* That a collection has changed stays in front. */
static int at_inner(struct err *err)
{
	if (strncmp(err->text, COLLECTION_CHANGED, sizeof COLLECTION_CHANGED - 1) != 0)
		err_at(err, "the inner collection");
	return -1;
}

static int open_inner(struct nested *n, struct span cursor, struct err *err)
{
	int64_t number = 0;

	if (fill_in(n, err) != 0)
		return at_inner(err);
	n->inner_args.cursor = cursor;
	n->inner_self = n->inner->open(&n->inner_args, &number, err);
	return n->inner_self ? 0 : at_inner(err);
}

static void close_inner(struct nested *n)
{
	if (n->inner_self)
		n->inner->close(n->inner_self);
	n->inner_self = NULL;
}

/* -- the outer one ------------------------------------------------------------------------------- */

static void add_as_json(struct text *out, const struct source *source, struct span text)
{
	if (source->json)
		text_add_span(out, text);
	else
		text_add_json(out, text);
}

/* Takes the next outer item in hand: 1; 0: there is none; -1. */
static int next_outer(struct nested *n, struct source_item *item, struct err *err)
{
	struct text was = n->outer_before;
	int got;

	*item = (struct source_item){0};
	got = n->outer->next(n->outer_self, item, err);
	if (got <= 0)
		return got;
	n->outer_before = n->outer_now;
	n->outer_now = was;
	text_clear(&n->outer_now);
	n->outer->add_cursor(n->outer_self, &n->outer_now);
	text_clear(&n->outer_item);
	text_add_span(&n->outer_item, item->text);
	text_clear(&n->outer_json);
	if (!item->unfit)
		add_as_json(&n->outer_json, n->outer, item->text);
	return 1;
}

/* -- where to go on ------------------------------------------------------------------------------ */

static bool read_cursor(struct span cursor, struct span *outer, struct span *inner)
{
	struct span word;
	int64_t len;

	if (!number_cut(&cursor, ' ', &word) || !number_read(word, &len) || len < 0 ||
		(uint64_t)len >= cursor.len || cursor.at[len] != ' ')
		return false;
	*outer = (struct span){cursor.at, (size_t)len};
	*inner = (struct span){cursor.at + len + 1, cursor.len - (size_t)len - 1};
	return true;
}

static int resume_inner(struct nested *n, struct span cursor, struct err *err)
{
	struct source_item item;
	int got = next_outer(n, &item, err);

	if (got < 0)
		return -1;
	if (got == 0 || item.unfit)
		return err_set(err, "the outer item in which to go on is not there any more");
	return open_inner(n, cursor, err);
}

static int open_at(struct nested *n, struct span cursor, struct err *err)
{
	struct span outer = {0}, inner = {0};
	int64_t number = 0;

	if (cursor.len && !read_cursor(cursor, &outer, &inner))
		return err_set(err, "this cursor is none of nested collections: %.*s",
			cursor.len > 200 ? 200 : (int)cursor.len, cursor.at);
	n->outer_args.cursor = outer;
	n->outer_self = n->outer->open(&n->outer_args, &number, err);
	if (!n->outer_self)
		return -1;
	text_add_span(&n->outer_now, outer);
	return inner.len ? resume_inner(n, inner, err) : 0;
}

static int find_sources(struct nested *n, const struct source_args *a, struct err *err)
{
	n->outer = source_of(a->m->collection.kind, err);
	n->inner = n->outer ? source_of(a->m->inner.kind, err) : NULL;
	if (!n->inner)
		return -1;
	n->outer_args = n->inner_args = *a;
	n->outer_args.inner = n->inner_args.inner = true;
	n->inner_args.what = &a->m->inner;
	n->argv = a->m->lists[JOB_INNER_ARGV];
	return 0;
}

static void nested_close(void *self)
{
	struct nested *n = self;

	close_inner(n);
	if (n->outer_self)
		n->outer->close(n->outer_self);
	drop_filled(n);
	text_fini(&n->outer_before);
	text_fini(&n->outer_now);
	text_fini(&n->outer_item);
	text_fini(&n->outer_json);
	text_fini(&n->path);
	text_fini(&n->pair);
	free(n);
}

static void *nested_open(const struct source_args *a, int64_t *number, struct err *err)
{
	struct nested *n = must_alloc(sizeof *n);

	(void)number;
	if (find_sources(n, a, err) == 0 && open_at(n, a->cursor, err) == 0)
		return n;
	nested_close(n);
	return NULL;
}

/* -- pairs --------------------------------------------------------------------------------------- */

static void tell_pair(struct nested *n, const struct source_item *inner, struct source_item *item)
{
	text_clear(&n->pair);
	text_add_char(&n->pair, '[');
	text_add(&n->pair, n->outer_json.data, n->outer_json.len);
	text_add_char(&n->pair, ',');
	if (inner->unfit)
		text_add_json(&n->pair, inner->text);
	else
		add_as_json(&n->pair, n->inner, inner->text);
	text_add_char(&n->pair, ']');
	*item = (struct source_item){.text = {n->pair.data, n->pair.len}, .unfit = inner->unfit};
}

/* 1: `item` is an outer one that is to be set aside; 0: its inner ones follow, or the end is
   reached, as inner_self tells; -1. */
static int begin_outer(struct nested *n, struct source_item *item, struct err *err)
{
	struct source_item outer;
	int got = next_outer(n, &outer, err);

	if (got <= 0)
		return got;
	if (!outer.unfit)
		return open_inner(n, (struct span){0}, err);
	if (item)
		*item = (struct source_item){
			.text = {n->outer_item.data, n->outer_item.len}, .unfit = outer.unfit};
	return 1;
}

static int nested_next(void *self, struct source_item *item, struct err *err)
{
	struct nested *n = self;

	for (;;) {
		struct source_item inner = {0};
		int got;

		if (!n->inner_self) {
			got = begin_outer(n, item, err);
			if (got != 0 || !n->inner_self)
				return got;
		}
		got = n->inner->next(n->inner_self, item ? &inner : NULL, err);
		if (got < 0)
			return at_inner(err);
		if (got > 0) {
			if (item)
				tell_pair(n, &inner, item);
			return 1;
		}
		close_inner(n);
	}
}

static void nested_add_cursor(void *self, struct text *out)
{
	struct nested *n = self;
	const struct text *outer = n->inner_self ? &n->outer_before : &n->outer_now;

	text_add_int(out, (long long)outer->len);
	text_add_char(out, ' ');
	text_add(out, outer->data, outer->len);
	text_add_char(out, ' ');
	if (n->inner_self)
		n->inner->add_cursor(n->inner_self, out);
}

const struct source SOURCE_NESTED = {
	.json = true,
	.open = nested_open,
	.close = nested_close,
	.next = nested_next,
	.add_cursor = nested_add_cursor,
};
