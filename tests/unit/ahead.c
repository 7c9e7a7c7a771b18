/* supervisor/ahead: how many jobs a worker may have before it is done with the one in hand. */
#include "supervisor/job/ahead.h"
#include "support/suite.h"

static struct conf_class reused = {.reuse = 40}, once = {.reuse = 1}, always = {.reuse = 100000};
static const struct class_settings REUSED = {.conf = &reused}, ONCE = {.conf = &once},
				   ALWAYS = {.conf = &always};

static const struct {
	const struct class_settings *class;
	int64_t wall_us;
	size_t room;
} ROOMS[] = {{&REUSED, 1, 40}, {&REUSED, 0, 40}, {&REUSED, 500, 40}, {&REUSED, 1000, 20},
	{&REUSED, 20000, 1}, {&REUSED, 20001, 0}, {&REUSED, 3600000000, 0}, {&ONCE, 1, 0},
	{&ALWAYS, 1, 64}};

START_TEST(test_room)
{
	struct ahead a;

	ahead_init(&a);
	ck_assert_uint_eq(ahead_room(&a), 0); /* nothing is known yet */
	ahead_learn(&a, ROOMS[_i].class, ROOMS[_i].wall_us);
	ck_assert_uint_eq(ahead_room(&a), ROOMS[_i].room);
	ahead_forget(&a);
	ck_assert_uint_eq(ahead_room(&a), 0);
}
END_TEST

START_TEST(test_learns)
{
	struct ahead a;

	ahead_init(&a);
	ahead_learn(&a, &REUSED, 1000);
	for (int i = 0; i < 100; i++)
		ahead_learn(&a, &REUSED, 100);
	ck_assert_int_lt(a.mean_wall_us, 120);
	ahead_learn(&a, &REUSED, 1000000); /* a long one is believed at once */
	ck_assert_uint_eq(ahead_room(&a), 0);
	ahead_learn(&a, &ALWAYS, 5); /* another class: from the beginning */
	ck_assert_int_eq(a.mean_wall_us, 5);
}
END_TEST

START_TEST(test_in_order_and_by_halves)
{
	struct job jobs[8] = {{0}};
	struct ahead a;

	ahead_init(&a);
	ahead_learn(&a, &REUSED, 20000 / 8);
	ck_assert_uint_eq(ahead_room(&a), 8);
	ck_assert(!ahead_is_overdue(&a, INT64_MAX));
	for (int i = 0; i < 8; i++)
		ahead_add(&a, &jobs[i], 1000 + i);
	ck_assert(!ahead_is_overdue(&a, 1000 + AHEAD_OVERDUE_MS));
	ck_assert(ahead_is_overdue(&a, 1001 + AHEAD_OVERDUE_MS));
	for (int i = 0; i < 8; i++) {
		ck_assert_uint_eq(ahead_room(&a), a.n > 4 ? 0 : 8 - a.n);
		ck_assert_ptr_eq(ahead_take(&a), &jobs[i]);
	}
	ck_assert_ptr_null(ahead_take(&a));
	ahead_add(&a, &jobs[3], 2000);
	ck_assert(!ahead_is_overdue(&a, 2000));
	ck_assert_ptr_eq(ahead_take(&a), &jobs[3]);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("ahead", &t);

	tcase_add_loop_test(t, test_room, 0, COUNT(ROOMS));
	tcase_add_test(t, test_learns);
	tcase_add_test(t, test_in_order_and_by_halves);
	return suite_run(s);
}
