/* What holds for every kind of collection, with every window and batch: whatever stops and parts it
   is gone through in, every item is given once, with its number. */
#include "support/items_beds.h"
#include "support/suite.h"

static const struct {
	int64_t from, to, limit;
} WINDOWS[] = {
	{JOB_NO_NUMBER, JOB_NO_NUMBER, JOB_NO_NUMBER},
	{5, 17, JOB_NO_NUMBER},
	{1, 1, JOB_NO_NUMBER},
	{2, JOB_NO_NUMBER, 6},
	{JOB_NO_NUMBER, 12, 100},
	{JOB_NO_NUMBER, JOB_NO_NUMBER, 4},
	{900, 1000, JOB_NO_NUMBER},
	{7, 6, JOB_NO_NUMBER},
	{1, JOB_NO_NUMBER, INT64_MAX - 1},
};

static const int64_t BATCHES[] = {1, 2, 3, 7, 1000};

#define VARIANTS (int)(COUNT(WINDOWS) * COUNT(BATCHES))

static void set_variant(struct items_bed *b, int variant)
{
	size_t w = (size_t)variant % COUNT(WINDOWS);

	b->m.each.from = WINDOWS[w].from;
	b->m.each.to = WINDOWS[w].to;
	b->m.each.limit = WINDOWS[w].limit;
	b->m.each.batch = BATCHES[(size_t)variant / COUNT(WINDOWS)];
	if (!b->windowed) /* a range has it in its ends, a command applies it itself */
		b->m.each.from = b->m.each.to = JOB_NO_NUMBER;
}

static void must_be_same(
	const struct items_list *got, const struct items_list *want, const char *name)
{
	for (size_t i = 0; i < got->count && i < want->count; i++) {
		const struct items_one *g = &got->list[i], *w = &want->list[i];

		ck_assert_msg(g->len == w->len && memcmp(g->text, w->text, g->len) == 0,
			"%s, item %zu: \"%.300s\", not \"%.300s\"", name, i, g->text, w->text);
		ck_assert_msg(g->number == w->number && g->last == w->last,
			"%s, item %zu: numbers %lld to %lld, not %lld to %lld", name, i,
			(long long)g->number, (long long)g->last, (long long)w->number,
			(long long)w->last);
		ck_assert_msg(g->unfit == w->unfit, "%s, item %zu", name, i);
	}
	ck_assert_msg(
		got->count == want->count, "%s: %zu items, not %zu", name, got->count, want->count);
}

/* Goes on behind the last item of the list, for at most `most` more. */
static int64_t go_on(struct items_list *list, const struct items_bed *b, size_t from,
	struct span cursor, int64_t number, int64_t end, int64_t most)
{
	struct err err = {""};
	int64_t got;

	if (list->count > from) {
		const struct items_one *last = &list->list[list->count - 1];

		cursor = (struct span){last->cursor, last->cursor_len};
		number = last->last;
	}
	got = items_take(list, &b->m, b->stream.theirs, cursor, number, end, most, &err);
	ck_assert_msg(got >= 0, "%s", err.text);
	return got;
}

/* -- at one go ----------------------------------------------------------------------------------- */

START_TEST(test_whole)
{
	struct items_bed b;

	bed_init(&b, _i);
	for (int v = 0; v < VARIANTS; v++) {
		struct items_list want, got;

		set_variant(&b, v);
		want = bed_expect(&b);
		got = items_all(&b.m, b.stream.theirs);
		must_be_same(&got, &want, ITEMS_BEDS[_i].name);
		items_fini(&want);
		items_fini(&got);
	}
	bed_fini(&b);
}
END_TEST

/* -- with stops ---------------------------------------------------------------------------------- */

static void go_through_with_stops(const struct items_bed *b, uint64_t *chance, const char *name)
{
	struct items_list want = bed_expect(b), got = {0};

	for (;;) {
		int64_t most = items_below(chance, 6);
		int64_t took = go_on(&got, b, 0, (struct span){0}, 0, INT64_MAX, most);

		if (took < most)
			break;
	}
	must_be_same(&got, &want, name);
	items_fini(&want);
	items_fini(&got);
}

START_TEST(test_stops)
{
	struct items_bed b;
	uint64_t chance = (uint64_t)_i;

	bed_init(&b, _i);
	for (int v = 0; v < VARIANTS; v += b.slow ? 7 : 1) {
		set_variant(&b, v);
		go_through_with_stops(&b, &chance, ITEMS_BEDS[_i].name);
	}
	bed_fini(&b);
}
END_TEST

/* Where an item was set aside, going on before it gives that one again. */
START_TEST(test_cursor_before)
{
	struct items_bed b;
	struct collection *c;
	struct collection_item item;
	struct err err = {""};

	bed_init(&b, _i);
	b.m.each.batch = 2;
	c = collection_open(&b.m, &(struct collection_start){.stream = b.stream.theirs}, &err);
	ck_assert_msg(c, "%s", err.text);
	while (collection_next(c, INT64_MAX, &item, &err) == 1) {
		struct items_list again = {0};
		int64_t got = items_take(&again, &b.m, b.stream.theirs, collection_cursor_before(c),
			item.number - 1, INT64_MAX, 1, &err);

		ck_assert_msg(got == 1, "%s", err.text);
		ck_assert_span_eq(
			item.text, ((struct span){again.list[0].text, again.list[0].len}));
		ck_assert_int_eq(item.number, again.list[0].number);
		ck_assert_span_eq(collection_cursor(c),
			((struct span){again.list[0].cursor, again.list[0].cursor_len}));
		items_fini(&again);
	}
	collection_close(c);
	bed_fini(&b);
}
END_TEST

/* An end cuts a batch off, and is no end of the collection. */
START_TEST(test_ends)
{
	struct items_bed b;
	uint64_t chance = (uint64_t)_i + 100;

	bed_init(&b, _i);
	for (int round = 0; round < (b.slow ? 3 : 20); round++) {
		struct items_list got = {0};
		int64_t end = 0, count = (int64_t)b.items.count;

		b.m.each.batch = 1 + items_below(&chance, 4);
		while (end < count) {
			end += 1 + items_below(&chance, 5);
			go_on(&got, &b, 0, (struct span){0}, 0, end, INT64_MAX);
			ck_assert_int_eq(got.list[got.count - 1].last, end < count ? end : count);
		}
		for (size_t i = 0; i < got.count; i++)
			ck_assert_int_eq(got.list[i].number, i ? got.list[i - 1].last + 1 : 1);
		items_fini(&got);
	}
	bed_fini(&b);
}
END_TEST

/* -- in parts ------------------------------------------------------------------------------------ */

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

static bool at_once(void *ctx)
{
	++*(int *)ctx;
	return true;
}

static void go_through_part(struct items_list *got, const struct items_bed *b, int64_t number,
	const struct text *cursor, int64_t end, uint64_t *chance)
{
	size_t from = got->count;
	int64_t most, took;

	do {
		most = 1 + items_below(chance, 9);
		took = go_on(
			got, b, from, (struct span){cursor->data, cursor->len}, number, end, most);
	} while (took == most);
}

/* Parts of a spoilt collection have their batches elsewhere: then only the numbers are compared. */
static void must_cover(
	const struct items_bed *b, const struct items_list *got, const struct items_list *want)
{
	if (!b->spoilt) {
		must_be_same(got, want, "parts");
		return;
	}
	ck_assert_int_eq(got->count == 0, want->count == 0);
	for (size_t i = 0; i < got->count; i++)
		ck_assert_int_eq(
			got->list[i].number, i ? got->list[i - 1].last + 1 : want->list[0].number);
	if (got->count)
		ck_assert_int_eq(got->list[got->count - 1].last, want->list[want->count - 1].last);
}

static int64_t go_through_parts(
	struct items_list *got, const struct items_bed *b, const char *bounds, uint64_t *chance)
{
	struct text cursor = {0}, next = {0};
	int64_t number, following, parts = 0;
	bool more = items_read_bound(&bounds, &number, &cursor);

	while (more) {
		struct text was = cursor;

		parts++;
		more = items_read_bound(&bounds, &following, &next);
		ck_assert(!more || following > number);
		go_through_part(got, b, number, &cursor, more ? following : INT64_MAX, chance);
		number = following;
		cursor = next;
		next = was;
	}
	text_fini(&cursor);
	text_fini(&next);
	return parts;
}

static void check_plan(const struct items_bed *b, int64_t bounds, uint64_t *chance)
{
	struct items_list want = bed_expect(b), got = {0};
	struct collection_plan plan;
	struct err err = {""};
	int64_t lo, hi, total, parts, batches;
	int done = collection_make_plan(&b->m, bounds, never, NULL, &plan, b->stream.theirs, &err);

	ck_assert_msg(done == 1, "%s", err.text);
	bed_window(b, &lo, &hi);
	total = hi < lo ? 0 : hi - lo + 1;
	ck_assert_int_eq(plan.total, b->stream.uncounted && !b->divided ? -1 : total);
	batches = (total + b->m.each.batch - 1) / b->m.each.batch;
	parts = go_through_parts(&got, b, plan.bounds.data ? plan.bounds.data : "", chance);
	ck_assert_int_eq(parts, b->divided ? bounds < batches ? bounds : batches : 0);
	if (b->divided && bounds > 0)
		must_cover(b, &got, &want);
	text_fini(&plan.bounds);
	items_fini(&want);
	items_fini(&got);
}

START_TEST(test_parts)
{
	static const int64_t bounds[] = {0, 1, 2, 3, 5, 1000};
	struct items_bed b;
	uint64_t chance = (uint64_t)_i + 200;

	bed_init(&b, _i);
	for (int v = 0; v < VARIANTS; v++) {
		set_variant(&b, v);
		for (size_t i = 0; b.counted && i < COUNT(bounds); i++)
			check_plan(&b, bounds[i], &chance);
	}
	bed_fini(&b);
}
END_TEST

/* Without a count there is no plan, and nothing is performed for one. */
START_TEST(test_no_plan)
{
	struct items_bed b;
	struct collection_plan plan;
	struct err err = {""};

	bed_init(&b, _i);
	if (!b.counted) {
		ck_assert_int_eq(
			collection_make_plan(&b.m, 5, never, NULL, &plan, b.stream.theirs, &err),
			1);
		ck_assert_int_eq(plan.total, -1);
		ck_assert_uint_eq(plan.bounds.len, 0);
		text_fini(&plan.bounds);
	}
	bed_fini(&b);
}
END_TEST

/* Many more items than places are kept: parts are even, and cover all. */
START_TEST(test_even_parts)
{
	struct job_message m = items_message(JOB_LINES);
	struct collection_plan plan;
	struct err err = {""};
	struct text bytes = {0}, cursor = {0};
	char *path;
	const char *at;
	int64_t number, before = 0, parts = 0;

	for (int i = 0; i < 100000; i++)
		text_addf(&bytes, "%d\n", i);
	path = items_file(text_span(&bytes));
	m.path = path;
	ck_assert_int_eq(collection_make_plan(&m, 16, never, NULL, &plan, -1, &err), 1);
	ck_assert_int_eq(plan.total, 100000);
	for (at = plan.bounds.data; items_read_bound(&at, &number, &cursor); parts++) {
		ck_assert_int_eq(number, parts ? number : 0);
		ck_assert(parts == 0 || (number - before > 5000 && number - before < 8000));
		before = number;
	}
	ck_assert_int_eq(parts, 16);
	ck_assert(100000 - before > 5000 && 100000 - before < 8000);
	text_fini(&plan.bounds);
	text_fini(&bytes);
	text_fini(&cursor);
	items_drop(path);
}
END_TEST

/* However many are wanted, they are a line. */
START_TEST(test_bounds_fit_into_a_line)
{
	struct job_message m = items_message(0);
	struct collection_plan plan;
	struct err err = {""};

	items_range(&m.collection, 1, 100000000, 1);
	ck_assert_int_eq(collection_make_plan(&m, 100000, never, NULL, &plan, -1, &err), 1);
	ck_assert_uint_gt(plan.bounds.len, 30000);
	ck_assert_uint_lt(plan.bounds.len, 65536);
	text_fini(&plan.bounds);
}
END_TEST

START_TEST(test_a_plan_is_stopped)
{
	struct items_bed b;
	struct collection_plan plan;
	struct err err = {""};
	int asked = 0;

	bed_init(&b, 5);
	ck_assert_str_eq(ITEMS_BEDS[5].name, "long lines");
	ck_assert_int_eq(collection_make_plan(&b.m, 5, at_once, &asked, &plan, -1, &err), 0);
	ck_assert_int_eq(asked, 1);
	bed_fini(&b);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("collection", &t);

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, test_whole, 0, ITEMS_BEDS_COUNT);
	tcase_add_loop_test(t, test_stops, 0, ITEMS_BEDS_COUNT);
	tcase_add_loop_test(t, test_cursor_before, 0, ITEMS_BEDS_COUNT);
	tcase_add_loop_test(t, test_ends, 0, ITEMS_BEDS_COUNT);
	tcase_add_loop_test(t, test_parts, 0, ITEMS_BEDS_COUNT);
	tcase_add_loop_test(t, test_no_plan, 0, ITEMS_BEDS_COUNT);
	tcase_add_test(t, test_even_parts);
	tcase_add_test(t, test_bounds_fit_into_a_line);
	tcase_add_test(t, test_a_plan_is_stopped);
	return suite_run(s);
}
