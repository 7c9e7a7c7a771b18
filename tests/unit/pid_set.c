/* supervisor/pid_set: which processes are known by number. */
#include "support/suite.h"

#include "supervisor/process/pid_set.h"

START_TEST(test_put_and_has)
{
	static const pid_t PIDS[] = {1, 7, 8, 9, 4095, 32767};
	struct pid_set s;

	pid_set_init(&s);
	for (size_t i = 0; i < sizeof PIDS / sizeof *PIDS; i++) {
		ck_assert(!pid_set_has(&s, PIDS[i]));
		pid_set_put(&s, PIDS[i], true);
		ck_assert(pid_set_has(&s, PIDS[i]));
	}
	pid_set_put(&s, 8, false);
	ck_assert(!pid_set_has(&s, 8));
	ck_assert(pid_set_has(&s, 7));
	ck_assert(pid_set_has(&s, 9));
	pid_set_fini(&s);
}
END_TEST

START_TEST(test_numbers_out_of_bounds)
{
	struct pid_set s;

	pid_set_init(&s);
	pid_set_put(&s, 0, true);
	pid_set_put(&s, -1, true);
	ck_assert(!pid_set_has(&s, 0));
	ck_assert(!pid_set_has(&s, -1));
	ck_assert(!pid_set_has(&s, (1 << 22) + 5)); /* pid_max was lowered while it lived */
	pid_set_put(&s, (1 << 22) + 5, true);
	ck_assert(pid_set_has(&s, (1 << 22) + 5));
	ck_assert(!pid_set_has(&s, (1 << 22) + 4));
	pid_set_fini(&s);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("pid_set", &t);

	tcase_add_test(t, test_put_and_has);
	tcase_add_test(t, test_numbers_out_of_bounds);
	return suite_run(s);
}
