/*
 * nursery/items/range: the numbers from one to another by a step, upwards or downwards. In the
 * child. The cursor is the last number. Paid once an item of every range: nothing is formatted
 * twice.
 */
#include "base/must.h"
#include "nursery/items/number.h"
#include "nursery/items/plan.h"
#include "nursery/items/source.h"

#include <stdlib.h>

struct range {
	int64_t first, step;
	int64_t count, passed;
	struct text text;
};

static int64_t value_of(const struct range *r, int64_t number)
{
	return (int64_t)((uint64_t)r->first + (uint64_t)(number - 1) * (uint64_t)r->step);
}

/* Unsigned: the distance of two numbers may be more than a signed one holds. */
static int measure(struct range *r, const struct job_collection *c, struct err *err)
{
	uint64_t stride = c->step < 0 ? 0 - (uint64_t)c->step : (uint64_t)c->step, steps;

	*r = (struct range){.first = c->first, .step = c->step};
	if (c->step == 0)
		return err_set(err, "a range with the step 0");
	if (c->step > 0 ? c->first > c->last : c->first < c->last)
		return 0;
	steps = (c->step > 0 ? (uint64_t)c->last - (uint64_t)c->first
			     : (uint64_t)c->first - (uint64_t)c->last) /
		stride;
	if (steps >= INT64_MAX)
		return err_set(err, "a range of more numbers than can be counted");
	r->count = (int64_t)steps + 1;
	return 0;
}

static bool find(const struct range *r, int64_t value, int64_t *number)
{
	uint64_t stride = r->step < 0 ? 0 - (uint64_t)r->step : (uint64_t)r->step;
	uint64_t distance = r->step > 0 ? (uint64_t)value - (uint64_t)r->first
					: (uint64_t)r->first - (uint64_t)value;

	if (r->step > 0 ? value < r->first : value > r->first)
		return false;
	*number = (int64_t)(distance / stride) + 1;
	return distance % stride == 0 && distance / stride < (uint64_t)r->count;
}

static int resume(struct range *r, const struct source_args *a, int64_t *number, struct err *err)
{
	int64_t value;

	*number = 0;
	if (a->cursor.len == 0)
		return 0;
	if (!number_read(a->cursor, &value) || !find(r, value, number))
		return err_set(err, "this cursor is no number of the range: %.*s",
			a->cursor.len > 200 ? 200 : (int)a->cursor.len, a->cursor.at);
	r->passed = *number;
	text_add_int(&r->text, value);
	return 0;
}

static void range_close(void *self)
{
	struct range *r = self;

	text_fini(&r->text);
	free(r);
}

static void *range_open(const struct source_args *a, int64_t *number, struct err *err)
{
	struct range *r = must_alloc(sizeof *r);

	if (measure(r, a->what, err) == 0 && resume(r, a, number, err) == 0)
		return r;
	range_close(r);
	return NULL;
}

static int range_next(void *self, struct source_item *item, struct err *err)
{
	struct range *r = self;

	(void)err;
	if (r->passed == r->count)
		return 0;
	r->passed++;
	r->text.len = 0;
	text_add_int(&r->text, value_of(r, r->passed));
	if (item)
		item->text = (struct span){r->text.data, r->text.len};
	return 1;
}

static void range_add_cursor(void *self, struct text *out)
{
	const struct range *r = self;

	text_add(out, r->text.data, r->text.len);
}

/* -- the plan ------------------------------------------------------------------------------------ */

static void add_place(void *ctx, int64_t number, struct text *out)
{
	text_add_int(out, value_of(ctx, number));
}

static int range_plan(const struct source_plan *p, struct collection_plan *out, struct err *err)
{
	struct range r;

	if (measure(&r, p->args->what, err) != 0)
		return -1;
	plan_evenly(p, r.count, add_place, &r, out);
	return 1;
}

const struct source SOURCE_RANGE = {
	.json = true,
	.open = range_open,
	.close = range_close,
	.next = range_next,
	.add_cursor = range_add_cursor,
	.plan = range_plan,
};
