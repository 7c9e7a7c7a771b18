/* nursery/items/plan: see plan.h. In the child. */
#include "nursery/items/plan.h"

#include "base/must.h"
#include "wire/job_line.h"

#include <stdlib.h>

/* Room for the line's other words. */
#define BOUNDS_BYTES (JOB_LINE_MAX - 128)

/* So many places are kept for each that is wanted: parts differ by about so little. */
#define KEPT_FOR_ONE 8
#define KEPT_MAX     4096

/* -- the text ------------------------------------------------------------------------------------ */

static void add_bound(struct text *out, int64_t number, struct span cursor)
{
	if (out->len)
		text_add_char(out, ' ');
	text_add_int(out, number);
	text_add_char(out, ':');
	for (size_t i = 0; i < cursor.len; i++) {
		unsigned char c = (unsigned char)cursor.at[i];

		if (c <= ' ' || c == '%' || c == 0x7f)
			text_addf(out, "%%%02X", c);
		else
			text_add_char(out, (char)c);
	}
}

/* -- of what can be told ------------------------------------------------------------------------- */

static int64_t count_in(struct source_window w, int64_t count)
{
	int64_t last = w.last < count ? w.last : count;

	return last < w.first ? 0 : last - w.first + 1;
}

/* At whole batches, so that no part begins with a short one. */
static void add_evenly(const struct source_plan *p, int64_t total, int64_t bounds,
	plan_place_fn *place, void *ctx, struct text *out)
{
	int64_t batches = (total - 1) / p->batch + 1;
	struct text cursor = {0};

	bounds = bounds < batches ? bounds : batches;
	text_clear(out);
	for (int64_t i = 0; i < bounds; i++) {
		int64_t batch = (int64_t)((__int128)batches * i / bounds);
		int64_t number = p->window.first - 1 + batch * p->batch;

		text_clear(&cursor);
		if (number > 0)
			place(ctx, number, &cursor);
		add_bound(out, number, (struct span){cursor.data, cursor.len});
		if (out->len > BOUNDS_BYTES)
			break;
	}
	text_fini(&cursor);
}

void plan_evenly(const struct source_plan *p, int64_t count, plan_place_fn *place, void *ctx,
	struct collection_plan *out)
{
	out->total = count_in(p->window, count);
	if (!place || out->total == 0 || p->bounds < 1)
		return;
	for (int64_t bounds = p->bounds;; bounds = bounds * 3 / 4) {
		add_evenly(p, out->total, bounds, place, ctx, &out->bounds);
		if (out->bounds.len <= BOUNDS_BYTES)
			return;
	}
}

/* -- of what must be gone through ---------------------------------------------------------------- */

struct place {
	int64_t number;
	char *cursor;
	size_t len;
};

/* One place every `stride` items; where there are too many, every other one goes. */
struct places {
	struct place *list;
	size_t count, max;
	int64_t stride;
};

struct walk {
	const struct source *source;
	void *self;
	int64_t number;
	struct source_window window;
	struct places places;
	struct text scratch;
};

static void thin_out(struct places *p)
{
	for (size_t i = 0; i < p->count; i++) {
		if (i % 2)
			free(p->list[i].cursor);
		else
			p->list[i / 2] = p->list[i];
	}
	p->count = (p->count + 1) / 2;
	p->stride *= 2;
}

/* `max` is even: the place that filled the list is then one of those that stay. */
static void keep_place(struct walk *w)
{
	struct places *p = &w->places;

	if (p->max == 0 || (w->number - (w->window.first - 1)) % p->stride != 0)
		return;
	if (p->count == p->max)
		thin_out(p);
	text_clear(&w->scratch);
	if (w->number > 0)
		w->source->add_cursor(w->self, &w->scratch);
	p->list[p->count++] = (struct place){w->number,
		must_strndup(w->scratch.len ? w->scratch.data : "", w->scratch.len),
		w->scratch.len};
}

static int walk_to(struct walk *w, int64_t last, struct err *err)
{
	while (w->number < last) {
		int got = w->source->next(w->self, NULL, err);

		if (got <= 0)
			return got;
		w->number++;
		if (w->number >= w->window.first)
			keep_place(w);
	}
	return 0;
}

static int walk(struct walk *w, struct err *err)
{
	if (walk_to(w, w->window.first - 1, err) < 0)
		return -1;
	if (w->number < w->window.first - 1)
		return 0;
	keep_place(w);
	return walk_to(w, w->window.last, err);
}

/* Of those that were kept, but for one at the end, `bounds` at even distances. */
static void add_picked(const struct places *p, size_t bounds, struct text *out)
{
	bounds = bounds < p->count ? bounds : p->count;
	text_clear(out);
	for (size_t i = 0; i < bounds && out->len <= BOUNDS_BYTES; i++) {
		const struct place *at = &p->list[p->count * i / bounds];

		add_bound(out, at->number, (struct span){at->cursor, at->len});
	}
}

static void tell(struct walk *w, int64_t bounds, struct collection_plan *out)
{
	struct places *p = &w->places;

	out->total = w->number < w->window.first ? 0 : w->number - w->window.first + 1;
	while (p->count > 0 && p->list[p->count - 1].number >= w->number)
		free(p->list[--p->count].cursor);
	for (; p->count > 0; bounds = bounds * 3 / 4) {
		add_picked(p, (size_t)bounds, &out->bounds);
		if (out->bounds.len <= BOUNDS_BYTES)
			return;
	}
}

static void walk_init(struct walk *w, const struct source *source, const struct source_plan *p)
{
	int64_t kept = p->bounds < 1			     ? 0
		       : p->bounds > KEPT_MAX / KEPT_FOR_ONE ? KEPT_MAX
							     : p->bounds * KEPT_FOR_ONE;

	*w = (struct walk){.source = source, .window = p->window};
	w->places = (struct places){.stride = p->batch, .max = (size_t)kept};
	if (kept > 0)
		w->places.list = must_alloc(w->places.max * sizeof *w->places.list);
}

static void walk_fini(struct walk *w)
{
	for (size_t i = 0; i < w->places.count; i++)
		free(w->places.list[i].cursor);
	free(w->places.list);
	text_fini(&w->scratch);
}

int plan_walk(const struct source *source, const struct source_plan *p, struct collection_plan *out,
	struct err *err)
{
	struct walk w;
	int done;

	walk_init(&w, source, p);
	w.self = source->open(p->args, &w.number, err);
	done = w.self ? walk(&w, err) : -1;
	if (done == 0)
		tell(&w, p->bounds, out);
	if (w.self)
		source->close(w.self);
	walk_fini(&w);
	return done == 0 ? 1 : -1;
}
