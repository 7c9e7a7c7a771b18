/*
 * nursery/items/members: the members of a key of Redis, which drover-items reads for us
 * (wire/stream.h): the child knows no Redis. A page of them at a time, asked for behind the last
 * cursor; what does not fit is asked for again.
 */
#include "base/must.h"
#include "nursery/items/ask.h"
#include "nursery/items/plan.h"
#include "nursery/items/source.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_COUNT  256
#define PAGE_BYTES  (512 * 1024)
#define MEMBER_MAX  (1024 * 1024) /* of a longer one the first bytes are told */
#define MEMBER_KEPT 1024

struct member {
	size_t cursor_len, len;
	bool cut;
};

struct members {
	int stream;
	struct text page; /* cursor and text of each */
	struct member list[PAGE_COUNT];
	size_t count, next, at; /* members of the page; the next of them, and where it stands */
	struct text cursor;	/* of the last member passed */
	struct text behind;	/* of the last one of the page */
	bool full, ended, spoilt;
};

static void *members_open(const struct source_args *a, int64_t *number, struct err *err)
{
	struct members *m;

	(void)number;
	if (a->stream < 0) {
		err_set(err, "there is no stream for the members of a key");
		return NULL;
	}
	if (a->cursor.len && memchr(a->cursor.at, '\n', a->cursor.len)) {
		err_set(err, "the cursor has a line break in it");
		return NULL;
	}
	m = must_alloc(sizeof *m);
	m->stream = a->stream;
	text_add_span(&m->cursor, a->cursor);
	text_add_span(&m->behind, a->cursor);
	return m;
}

static void members_close(void *self)
{
	struct members *m = self;

	text_fini(&m->page);
	text_fini(&m->cursor);
	text_fini(&m->behind);
	free(m);
}

/* A member without a cursor of its own could never be gone on behind. */
static void add_member(void *ctx, struct span cursor, struct span text, bool cut)
{
	struct members *m = ctx;

	m->spoilt = m->spoilt || cursor.len == 0 || memchr(cursor.at, '\n', cursor.len) ||
		    memchr(cursor.at, '\0', cursor.len);
	m->full = m->full || m->page.len > PAGE_BYTES;
	if (m->full || m->spoilt)
		return;
	if (cut)
		text.len = MEMBER_KEPT;
	m->list[m->count++] = (struct member){cursor.len, text.len, cut};
	text_add_span(&m->page, cursor);
	text_add_span(&m->page, text);
	text_clear(&m->behind);
	text_add_span(&m->behind, cursor);
}

static int turn_page(struct members *m, struct err *err)
{
	int64_t got;

	text_clear(&m->page);
	m->count = m->next = m->at = 0;
	m->full = false;
	got = ask_next(m->stream, PAGE_COUNT, (struct span){m->behind.data, m->behind.len},
		MEMBER_MAX, add_member, m, err);
	if (got < 0)
		return -1;
	if (m->spoilt)
		return err_set(err, "a member of the key came with a cursor that is none");
	m->ended = got == 0;
	return got > 0;
}

static int members_next(void *self, struct source_item *item, struct err *err)
{
	struct members *m = self;
	const struct member *one;

	if (m->ended)
		return 0;
	if (m->next == m->count) {
		int got = turn_page(m, err);

		if (got <= 0)
			return got;
	}
	one = &m->list[m->next++];
	text_clear(&m->cursor);
	text_add(&m->cursor, m->page.data + m->at, one->cursor_len);
	m->at += one->cursor_len;
	if (item)
		*item = (struct source_item){.text = {m->page.data + m->at, one->len},
			.unfit = one->cut ? "it is longer than 1 MiB" : NULL};
	m->at += one->len;
	return 1;
}

static void members_add_cursor(void *self, struct text *out)
{
	const struct members *m = self;

	text_add(out, m->cursor.data, m->cursor.len);
}

/* -- the plan ------------------------------------------------------------------------------------ */

/* What drover-items names a place of a list or a sorted set by: its index. */
static void add_index(void *ctx, int64_t number, struct text *out)
{
	(void)ctx;
	text_add_int(out, number - 1);
}

static int members_plan(const struct source_plan *p, struct collection_plan *out, struct err *err)
{
	uint32_t kind = p->args->what->members;
	bool indexed = kind == JOB_MEMBERS_LIST || kind == JOB_MEMBERS_ZSET;
	int64_t count;

	if (p->args->stream < 0)
		return err_set(err, "there is no stream for the members of a key");
	if (ask_count(p->args->stream, &count, err) != 0)
		return -1;
	if (count >= 0)
		plan_evenly(p, count, indexed ? add_index : NULL, NULL, out);
	return 1;
}

const struct source SOURCE_MEMBERS = {
	.may_break = true,
	.open = members_open,
	.close = members_close,
	.next = members_next,
	.add_cursor = members_add_cursor,
	.plan = members_plan,
};
