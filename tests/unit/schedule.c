/* supervisor/schedule: which nominal time fires next. */
#include <stdio.h>

#include "base/clock.h"
#include "supervisor/standing/schedule.h"
#include "support/suite.h"

#define NONE CONF_CATCH_UP_NONE
#define LAST CONF_CATCH_UP_LAST
#define ALL  CONF_CATCH_UP_ALL

enum { LATE_S = 15 };

/* Times of one day; -1 where nothing is due. */
static const struct {
	const char *cron;
	enum conf_catch_up catch_up;
	const char *last, *now, *due;
} ROWS[] = {
	{"*/5 * * * *", NONE, "10:00:00", "10:04:59", NULL},
	{"*/5 * * * *", NONE, "10:00:00", "10:05:00", "10:05:00"},
	{"*/5 * * * *", NONE, "10:00:00", "10:05:15", "10:05:00"}, /* late, but not missed */
	{"*/5 * * * *", NONE, "10:00:00", "10:05:16", NULL},
	{"*/5 * * * *", NONE, "10:05:00", "10:05:01", NULL}, /* another fired it */
	{"*/5 * * * *", NONE, "08:00:00", "10:05:03", "10:05:00"},
	{"* * * * * *", NONE, "10:00:00", "10:00:03", "10:00:01"}, /* each in turn */
	{"* * * * * *", NONE, "09:00:00", "10:00:00", "09:59:45"},
	{"*/5 * * * *", LAST, "08:00:00", "10:04:59", "10:00:00"},
	{"*/5 * * * *", LAST, "10:00:00", "10:04:59", NULL},
	{"*/5 * * * *", LAST, "08:00:00", "10:05:03",
		"10:05:00"}, /* on time: it makes up for all */
	{"0 3 * * *", LAST, "02:00:00", "23:00:00", "03:00:00"},
	{"* * * * * *", LAST, "00:00:00", "10:00:00", "09:59:45"},
	{"*/5 * * * *", ALL, "08:00:00", "10:04:59", "08:05:00"},
	{"*/5 * * * *", ALL, "10:00:00", "10:04:59", NULL},
	{"0 0 30 2 *", LAST, "00:00:00", "10:00:00", NULL},
};

static int64_t time_of(const char *clock)
{
	int64_t ms;
	char text[64];

	snprintf(text, sizeof text, "2026-11-21T%sZ", clock);
	ck_assert_int_eq(clock_parse_rfc3339(text, &ms), 0);
	return ms / 1000;
}

START_TEST(test_due)
{
	struct err err;
	struct conf_schedule c = {.catch_up = ROWS[_i].catch_up, .zone = zone_find("UTC", &err)};
	int64_t want = ROWS[_i].due ? time_of(ROWS[_i].due) : -1;

	ck_assert_ptr_nonnull(c.zone);
	if (cron_parse(&c.cron, span_of(ROWS[_i].cron), &err) < 0)
		return; /* a day that never comes is refused at once */
	ck_assert_int_eq(schedule_due(&c, time_of(ROWS[_i].last), time_of(ROWS[_i].now),
				 time_of(ROWS[_i].now) - LATE_S - 1),
		want);
}
END_TEST

/* A month of seconds missed: the latest is found without going through all of them. */
START_TEST(test_the_latest_is_found_from_the_end)
{
	struct err err;
	struct conf_schedule c = {.catch_up = LAST, .zone = zone_find("UTC", &err)};
	int64_t now = time_of("10:00:20"), begun = clock_mono_ms();

	ck_assert_int_eq(cron_parse(&c.cron, span_of("0 0 1 * *"), &err), 0);
	ck_assert_int_eq(schedule_due(&c, now - 20 * 365 * 86400, now, now - LATE_S - 1),
		time_of("00:00:00") - 20 * 86400);
	ck_assert_int_lt(clock_mono_ms() - begun, 60000);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("schedule", &t);

	tcase_add_loop_test(t, test_due, 0, COUNT(ROWS));
	tcase_add_test(t, test_the_latest_is_found_from_the_end);
	return suite_run(s);
}
