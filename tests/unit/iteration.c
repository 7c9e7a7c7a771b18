/* supervisor/iteration: positions, plans and parts. Pure. */
#include <string.h>

#include "supervisor/job/iteration.h"
#include "support/slot_fake.c"
#include "support/suite.h"

static struct fake fake;

static struct job *job_of(const char *payload)
{
	fake_start(&fake);
	return fake_job(&fake, payload);
}

static void done_with(struct job *j)
{
	job_free(j);
	fake_stop(&fake);
}

/* -- what `start` answers -------------------------------------------------------------------------------- */

START_TEST(test_start_is_read)
{
	struct job *j = job_of("{\"class\":\"Each\",\"jid\":\"j1\"}");
	struct iteration it = {0};

	iteration_read_start(&it, j,
		SPAN_LIT("go\nnumber 7\ndone 5\nerrors 2\nend 90\nitem 8\ntries 1\ncursor a b:7\n"
			 "stuck 2\ntotal 100\nplanned 1\nrate 5 1000\nunknown x"));
	ck_assert(it.on && !it.cursors && it.planned && !it.first);
	ck_assert_int_eq(it.number, 7);
	ck_assert_int_eq(it.done, 5);
	ck_assert_int_eq(it.errors, 2);
	ck_assert_int_eq(it.end, 90);
	ck_assert_int_eq(it.item, 8);
	ck_assert_int_eq(it.tries, 1);
	ck_assert_int_eq(it.stuck, 2);
	ck_assert_int_eq(it.total, 100);
	ck_assert_str_eq(it.cursor.data, "a b:7");
	ck_assert_str_eq(it.rate.data, "5 1000");
	iteration_fini(&it);
	done_with(j);
}
END_TEST

START_TEST(test_a_first_start_knows_nothing)
{
	struct job *j = job_of("{\"class\":\"Each\",\"jid\":\"j1\"}");
	struct iteration it = {0};

	iteration_read_start(&it, j, SPAN_LIT("go\n"));
	ck_assert(it.on && it.first && !it.planned);
	ck_assert_int_eq(it.total, -1);
	ck_assert_int_eq(it.end, INT64_MAX);
	ck_assert_uint_eq(it.cursor.len, 0);
	iteration_fini(&it);
	done_with(j);
}
END_TEST

START_TEST(test_a_plain_job_iterates_once_it_has_a_cursor)
{
	struct job *j = job_of("{\"class\":\"Tracked\",\"jid\":\"j1\"}");
	struct iteration it = {0};

	iteration_read_start(&it, j, SPAN_LIT("go\n"));
	ck_assert(!it.on);
	iteration_read_start(&it, j, SPAN_LIT("go\nnumber 3\ncursor row 3"));
	ck_assert(it.on && it.cursors);
	iteration_fini(&it);
	done_with(j);
}
END_TEST

/* -- positions -------------------------------------------------------------------------------------------- */

START_TEST(test_position)
{
	struct job *whole = job_of("{\"class\":\"Each\",\"jid\":\"j1\"}");
	struct job *part = fake_job(&fake,
		"{\"class\":\"Each\",\"jid\":\"j1.p5\",\"drover\":{\"parent\":\"j1\",\"part\":5}}");
	struct iteration it = {
		.on = true, .number = 7, .done = 6, .errors = 1, .end = INT64_MAX, .speed = 2.5};
	struct text t = {0};

	text_add_str(&it.cursor, "here and there");
	iteration_add_position(&t, &it, whole, true);
	ck_assert_str_eq(t.data, "j1 0 7 6 1 - 0 0 2.5 here and there");
	text_clear(&t);
	it.end = 9;
	it.item = 8;
	it.tries = 2;
	iteration_add_position(&t, &it, part, false);
	ck_assert_str_eq(t.data, "j1 5 7 6 1 9 8 2 0.0 here and there");
	text_clear(&t);
	iteration_add_place(&t, part);
	ck_assert_str_eq(t.data, "j1 5 - 0 0 - 0 0 0.0 ");
	text_fini(&t);
	iteration_fini(&it);
	job_free(part);
	done_with(whole);
}
END_TEST

/* -- parts ------------------------------------------------------------------------------------------------ */

static void plan(struct iteration *it, int64_t total, const char *bounds)
{
	it->total = total;
	text_clear(&it->bounds);
	text_add_str(&it->bounds, bounds);
}

START_TEST(test_what_can_be_divided)
{
	struct job *j = job_of("{\"class\":\"Each\",\"jid\":\"j1\"}");
	struct job *one =
		fake_job(&fake, "{\"class\":\"Each\",\"jid\":\"j2\",\"drover\":{\"parallel\":1}}");
	struct iteration it = {0};

	plan(&it, 9, "0: 3:c 6:f");
	ck_assert(iteration_can_divide(&it, j));
	ck_assert(!iteration_can_divide(&it, one));
	plan(&it, 9, "0:");
	ck_assert(!iteration_can_divide(&it, j));
	plan(&it, -1, "");
	ck_assert(!iteration_can_divide(&it, j));
	iteration_fini(&it);
	job_free(one);
	done_with(j);
}
END_TEST

/* PART NUMBER END LEN CURSOR LEN PAYLOAD: all but the payloads. */
static void expect_parts(
	const char *total_and_bounds, int64_t total, int64_t parallel, const char *want)
{
	char payload[120];
	struct job *j;
	struct iteration it = {0};
	struct text t = {0}, got = {0};
	const char *p;

	snprintf(payload, sizeof payload,
		"{\"class\":\"Each\",\"jid\":\"j1\",\"drover\":{\"parallel\":%d}}", (int)parallel);
	j = job_of(payload);
	plan(&it, total, total_and_bounds);
	iteration_add_parts(&t, &it, j);
	for (p = t.data; p && *p;) {
		const char *brace = strchr(p, '{'), *end = strstr(brace, "}} ");

		text_add(&got, p, (size_t)(brace - p));
		p = end + 3;
	}
	ck_assert_msg(strncmp(got.data, want, strlen(want)) == 0, "%s, not %s", got.data, want);
	text_fini(&t);
	text_fini(&got);
	iteration_fini(&it);
	done_with(j);
}

START_TEST(test_parts_begin_at_bounds_and_end_at_the_next)
{
	expect_parts("0: 3:c%20d 6:f", 9, 2, "1 0 3 0  ");
	expect_parts("10:x", 4, 5, "1 10 14 1 x ");
}
END_TEST

START_TEST(test_a_bound_is_decoded)
{
	struct text t = {0};

	iteration_add_bound(&t, SPAN_LIT("0: 3:c%20d%25e 6:f%2"), 1);
	ck_assert_str_eq(t.data, "c d%e");
	text_clear(&t);
	iteration_add_bound(&t, SPAN_LIT("0: 3:c 6:f%2"), 2);
	ck_assert_str_eq(t.data, "f%2");
	text_clear(&t);
	iteration_add_bound(&t, SPAN_LIT("0: 3:c"), 2);
	ck_assert_uint_eq(t.len, 0);
	text_fini(&t);
}
END_TEST

START_TEST(test_halves)
{
	static const struct {
		int64_t number, end, index, at;
	} rows[] = {
		{0, 100, 5, 50},  /* the middle */
		{40, 100, 7, 70}, /* of what is left */
		{88, 100, -1, 0}, /* nothing stands between there and the end but 90, too near */
		{0, INT64_MAX, -1, 0}, /* nobody knows where it ends */
		{0, 10, -1, 0},	       /* no bound inside */
		{95, 100, -1, 0},
	};
	const struct span bounds = SPAN_LIT("0: 10:a 20:b 30:c 40:d 50:e 60:f 70:g 80:h 90:i");

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t at = 0, index = iteration_halve(bounds, rows[i].number, rows[i].end, &at);

		ck_assert_msg(index == rows[i].index, "%d: %d", (int)i, (int)index);
		if (index >= 0)
			ck_assert_int_eq(at, rows[i].at);
	}
}
END_TEST

/* -- what is in hand -------------------------------------------------------------------------------------- */

START_TEST(test_in_hand_since)
{
	const struct iteration it = {.number = 5};

	ck_assert_int_eq(iteration_in_hand_since(
				 &it, &(struct scoreboard_begun){.number = 6, .mono_ms = 77}),
		77);
	ck_assert_int_eq(iteration_in_hand_since(
				 &it, &(struct scoreboard_begun){.number = 5, .mono_ms = 77}),
		-1);
	ck_assert_int_eq(iteration_in_hand_since(&it, &(struct scoreboard_begun){.number = 6,
							      .mono_ms = SCOREBOARD_RESTING}),
		-1);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("iteration", &t);

	tcase_add_test(t, test_start_is_read);
	tcase_add_test(t, test_a_first_start_knows_nothing);
	tcase_add_test(t, test_a_plain_job_iterates_once_it_has_a_cursor);
	tcase_add_test(t, test_position);
	tcase_add_test(t, test_what_can_be_divided);
	tcase_add_test(t, test_parts_begin_at_bounds_and_end_at_the_next);
	tcase_add_test(t, test_a_bound_is_decoded);
	tcase_add_test(t, test_halves);
	tcase_add_test(t, test_in_hand_since);
	return suite_run(s);
}
