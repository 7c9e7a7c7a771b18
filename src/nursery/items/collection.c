/* nursery/items/collection: see collection.h. In the child. */
#include "nursery/items/collection.h"

#include "base/must.h"
#include "nursery/items/source.h"
#include "wire/job_line.h"

#include <stdlib.h>
#include <string.h>

struct collection {
	const struct source *source;
	void *self;
	struct source_window window;
	int64_t batch;
	int64_t number; /* of the item passed last */
	struct text now, before,
		coming;		 /* cursors: of that item, of the one before it, of the next */
	struct text joined;	 /* the items of a batch */
	struct source_item held; /* fetched, and not given with the batch before it */
	bool holds, failed;
	struct err why; /* what failed does not go on: an item could be passed over */
};

static void init(struct collection *c, const struct job_message *m, struct span cursor)
{
	c->window = source_window(m, c->source);
	c->batch = c->source->numbered || m->each.batch < 1 ? 1 : m->each.batch;
	text_add_span(&c->now, cursor);
	text_add_span(&c->before, cursor);
	text_reserve(&c->coming, 0);
	text_reserve(&c->joined, 0);
}

struct collection *collection_open(
	const struct job_message *m, const struct collection_start *start, struct err *err)
{
	struct collection *c = must_alloc(sizeof *c);
	struct source_args args = source_args(m, start->cursor, start->stream);

	args.stop = start->stop;
	args.stop_ctx = start->stop_ctx;
	c->number = start->number;
	c->source = source_of_message(m, err);
	if (c->source)
		c->self = c->source->open(&args, &c->number, err);
	if (!c->self) {
		free(c);
		return NULL;
	}
	init(c, m, start->cursor);
	return c;
}

void collection_close(struct collection *c)
{
	if (!c)
		return;
	c->source->close(c->self);
	text_fini(&c->now);
	text_fini(&c->before);
	text_fini(&c->coming);
	text_fini(&c->joined);
	free(c);
}

struct span collection_cursor(const struct collection *c)
{
	return (struct span){c->now.data, c->now.len};
}

struct span collection_cursor_before(const struct collection *c)
{
	return (struct span){c->before.data, c->before.len};
}

/* -- one after another --------------------------------------------------------------------------- */

/* The cursor of the item that the source has just passed. */
static int tell_place(struct collection *c, struct err *err)
{
	c->coming.len = 0;
	c->source->add_cursor(c->self, &c->coming);
	if (c->coming.len > JOB_CURSOR_MAX)
		return err_set(err, "the cursor of item %lld has %zu bytes, at most %d",
			(long long)c->number + 1, c->coming.len, JOB_CURSOR_MAX);
	return 0;
}

static void pass_to(struct collection *c, int64_t number)
{
	struct text was = c->before;

	c->number = number;
	c->before = c->now;
	c->now = c->coming;
	c->coming = was;
}

/* Not an item's worth of text is made for what stands before the window. */
static int skip_to_window(struct collection *c, struct err *err)
{
	int got = 1;

	while (got > 0 && c->number < c->window.first - 1) {
		got = c->source->next(c->self, NULL, err);
		c->number += got > 0;
	}
	if (got <= 0)
		return got;
	if (tell_place(c, err) != 0)
		return -1;
	pass_to(c, c->number);
	return 1;
}

/* Where a text is given as it is, it must be one line. */
static const char *why_broken(const struct collection *c, struct span text)
{
	return c->source->may_break && text.len && memchr(text.at, '\n', text.len)
		       ? "there is a line break in it"
		       : NULL;
}

static int next_single(struct collection *c, struct collection_item *item, struct err *err)
{
	struct source_item one;
	int got;

	one.number = one.count = 0;
	one.unfit = NULL;
	got = c->source->next(c->self, &one, err);
	if (got <= 0)
		return got;
	if (tell_place(c, err) != 0)
		return -1;
	pass_to(c, one.number ? one.number : c->number + 1);
	item->text = one.text;
	item->number = item->last = c->number;
	if (c->source->numbered) {
		text_clear(&c->before);
		text_add_span(&c->before, collection_cursor(c));
		item->last += one.count - 1;
	}
	item->unfit = one.unfit ? one.unfit : why_broken(c, one.text);
	return 1;
}

/* -- several at a time --------------------------------------------------------------------------- */

static int fetch(struct collection *c, struct source_item *one, struct err *err)
{
	*one = c->holds ? c->held : (struct source_item){0};
	if (c->holds) {
		c->holds = false;
		return 1;
	}
	return c->source->next(c->self, one, err);
}

static void join(struct collection *c, struct span text)
{
	text_add_char(&c->joined, c->joined.len ? ',' : '[');
	if (c->source->json)
		text_add_span(&c->joined, text);
	else
		text_add_json(&c->joined, text);
}

/* An item that nobody can be given goes alone, so that its neighbours are not set aside with it. */
static int64_t collect(struct collection *c, int64_t most, struct source_item *one, struct err *err)
{
	int64_t count = 0;

	text_clear(&c->joined);
	while (count < most) {
		int got = fetch(c, one, err);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		if (one->unfit && count > 0) {
			c->held = *one;
			c->holds = true;
			break;
		}
		if (tell_place(c, err) != 0)
			return -1;
		count++;
		if (one->unfit)
			return 1;
		join(c, one->text);
		one->text.len = 0;
	}
	return count;
}

static int next_batch(
	struct collection *c, int64_t last, struct collection_item *item, struct err *err)
{
	int64_t most = last - c->number < c->batch ? last - c->number : c->batch, count;
	struct source_item one;

	count = collect(c, most, &one, err);
	if (count <= 0)
		return (int)count;
	item->number = c->number + 1;
	item->last = c->number + count;
	item->text = one.text;
	item->unfit = c->holds ? NULL : one.unfit;
	if (!item->unfit) {
		text_add_char(&c->joined, ']');
		item->text = (struct span){c->joined.data, c->joined.len};
	}
	pass_to(c, item->last);
	return 1;
}

static int next_in_window(
	struct collection *c, int64_t end, struct collection_item *item, struct err *err)
{
	int64_t last = end < c->window.last ? end : c->window.last;

	if (c->source->numbered)
		return next_single(c, item, err);
	if (c->number < c->window.first - 1) {
		int got = last < c->window.first ? 0 : skip_to_window(c, err);

		if (got <= 0)
			return got;
	}
	if (c->number >= last)
		return 0;
	if (c->batch > 1)
		return next_batch(c, last, item, err);
	return next_single(c, item, err);
}

int collection_next(
	struct collection *c, int64_t end, struct collection_item *item, struct err *err)
{
	int got = -1;

	if (!c->failed)
		got = next_in_window(c, end, item, &c->why);
	if (got < 0)
		*err = c->why;
	c->failed = got < 0;
	return got;
}

/* -- gone through once, before its first item ---------------------------------------------------- */

struct watch {
	bool (*stop)(void *ctx);
	void *ctx;
	bool said;
};

static bool ask_watch(void *ctx)
{
	struct watch *w = ctx;

	w->said = w->said || w->stop(w->ctx);
	return w->said;
}

int collection_make_plan(const struct job_message *m, int64_t bounds, bool (*stop)(void *ctx),
	void *ctx, struct collection_plan *plan, int stream, struct err *err)
{
	const struct source *source = source_of_message(m, err);
	struct source_args args = source_args(m, (struct span){0}, stream);
	struct source_plan p = {.args = &args, .bounds = bounds};
	struct watch watch = {stop, ctx, false};

	*plan = (struct collection_plan){.total = -1};
	if (!source || !source->plan)
		return source ? 1 : -1;
	args.stop = stop ? ask_watch : NULL;
	args.stop_ctx = &watch;
	p.window = source_window(m, source);
	p.batch = m->each.batch < 1 ? 1 : m->each.batch;
	if (source->plan(&p, plan, err) == 1)
		return 1;
	text_fini(&plan->bounds);
	return watch.said ? 0 : -1;
}
