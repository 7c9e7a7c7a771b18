/* supervisor/retry: when to try again. */
#include "supervisor/job/retry.h"
#include "support/suite.h"

#define EXP    CONF_BACKOFF_EXPONENTIAL
#define LINEAR CONF_BACKOFF_LINEAR
#define FLAT   CONF_BACKOFF_CONSTANT

static const struct {
	struct conf_backoff b;
	int64_t attempt;
	double random;
	int64_t ms;
} ROWS[] = {
	{{EXP, 10000, 3600000, 2, false}, 1, 0.5, 10000},
	{{EXP, 10000, 3600000, 2, false}, 2, 0.5, 20000},
	{{EXP, 10000, 3600000, 2, false}, 9, 0.5, 2560000},
	{{EXP, 10000, 3600000, 2, false}, 10, 0.5, 3600000},
	{{EXP, 10000, 3600000, 2, false}, 1000, 0.5, 3600000}, /* the cap is reached long before */
	{{EXP, 1000, 60000, 1.5, false}, 3, 0, 2250}, {{EXP, 10000, 3600000, 2, true}, 2, 0, 0},
	{{EXP, 10000, 3600000, 2, true}, 2, 0.25, 5000},
	{{EXP, 10000, 3600000, 2, true}, 2, 0.999, 19980}, {{EXP, 0, 3600000, 2, false}, 5, 0, 0},
	{{LINEAR, 1000, 30000, 2, false}, 1, 0, 1000},
	{{LINEAR, 1000, 30000, 2, false}, 7, 0, 7000},
	{{LINEAR, 1000, 30000, 2, false}, 31, 0, 30000}, {{FLAT, 500, 30000, 2, false}, 1, 0, 500},
	{{FLAT, 500, 30000, 2, false}, 9, 0, 500}, {{FLAT, 50000, 30000, 2, false}, 9, 0, 30000},
	{{FLAT, 500, 30000, 2, false}, 0, 0, 500}, /* an attempt that is none */
};

START_TEST(test_delay)
{
	ck_assert_int_eq(
		retry_delay_ms(&ROWS[_i].b, ROWS[_i].attempt, ROWS[_i].random), ROWS[_i].ms);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("retry", &t);

	tcase_add_loop_test(t, test_delay, 0, COUNT(ROWS));
	return suite_run(s);
}
