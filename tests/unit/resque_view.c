/* supervisor/resque_view: whose heartbeat says that it is dead (Resque's rule 2, vectors 50 to 52). */
#include "support/suite.h"

#include <string.h>

#include "base/clock.h"
#include "supervisor/standing/resque_view.h"

#define NOW "2026-11-21T19:30:00+00:00"

static const struct {
	const char *heartbeat;
	bool dead;
} ROWS[] = {
	{"2026-11-21T19:30:00+00:00", false},
	{"2026-11-21T19:25:01+00:00", false}, /* 299 s */
	{"2026-11-21T19:25:00+00:00", false}, /* 300 s: not more than that */
	{"2026-11-21T19:24:59+00:00", true},  /* 301 s */
	{"2026-11-21T14:24:59-05:00", true},  /* in the worker's own zone */
	{"2026-11-21T14:29:00-05:00", false},
	{"2026-11-21T20:24:59+01:00", true},
	{"2026-11-21T19:24:59Z", true},
	{"2026-11-21T23:59:00+00:00", false}, /* a clock that is ahead */
	{"1970-01-01T00:00:00+00:00", true},
	{"", false}, /* what cannot be read kills nobody */
	{"yesterday", false},
	{"2026-11-21", false},
	{"1795289399", false},
};

START_TEST(test_is_dead)
{
	int64_t now_ms;

	ck_assert_int_eq(clock_parse_rfc3339(NOW, &now_ms), 0);
	ck_assert_int_eq(resque_view_is_dead(ROWS[_i].heartbeat, now_ms), ROWS[_i].dead);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("resque_view", &t);

	tcase_add_loop_test(t, test_is_dead, 0, COUNT(ROWS));
	return suite_run(s);
}
