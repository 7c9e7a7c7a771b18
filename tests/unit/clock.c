/* base/clock: the forms of a time that Resque and RFC 3339 have, and reading them back. */
#include <string.h>

#include "base/clock.h"
#include "support/suite.h"

#define BAD INT64_MIN

static const struct {
	int64_t wall_ms;
	const char *rfc3339, *second, *offset, *ruby, *failed;
} FORMS[] = {
	{INT64_C(1795289183123), "2026-11-21T19:26:23.123Z", "2026-11-21T19:26:23Z",
		"2026-11-21T19:26:23+00:00", "2026-11-21 19:26:23 +0000",
		"2026/11/21 19:26:23 UTC"},
	{INT64_MAX, "292278994-08-17T07:12:55.807Z", "292278994-08-17T07:12:55Z",
		"292278994-08-17T07:12:55+00:00", "292278994-08-17 07:12:55 +0000",
		"292278994/08/17 07:12:55 UTC"},
	{0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00",
		"1970-01-01 00:00:00 +0000", "1970/01/01 00:00:00 UTC"},
	{INT64_C(1709164799999), "2024-02-28T23:59:59.999Z", "2024-02-28T23:59:59Z",
		"2024-02-28T23:59:59+00:00", "2024-02-28 23:59:59 +0000",
		"2024/02/28 23:59:59 UTC"},
	{INT64_C(1709164800000), "2024-02-29T00:00:00.000Z", "2024-02-29T00:00:00Z",
		"2024-02-29T00:00:00+00:00", "2024-02-29 00:00:00 +0000",
		"2024/02/29 00:00:00 UTC"},
};

START_TEST(test_forms)
{
	char out[CLOCK_TEXT_SIZE];
	int64_t back;

	ck_assert_str_eq(clock_rfc3339(FORMS[_i].wall_ms, out), FORMS[_i].rfc3339);
	if (FORMS[_i].wall_ms < INT64_MAX) { /* four digits are all that RFC 3339 gives a year */
		ck_assert_int_eq(clock_parse_rfc3339(out, &back), 0);
		ck_assert_int_eq(back, FORMS[_i].wall_ms);
	}
	ck_assert_str_eq(clock_iso_second(FORMS[_i].wall_ms, out), FORMS[_i].second);
	ck_assert_str_eq(clock_iso_offset(FORMS[_i].wall_ms, out), FORMS[_i].offset);
	ck_assert_str_eq(clock_ruby(FORMS[_i].wall_ms, out), FORMS[_i].ruby);
	ck_assert_str_eq(clock_resque_failed(FORMS[_i].wall_ms, out), FORMS[_i].failed);
}
END_TEST

static const struct {
	const char *text;
	int64_t wall_ms;
} TIMES[] = {
	{"1970-01-01T00:00:01Z", 1000},
	{"1970-01-01t00:00:01z", 1000},
	{"1970-01-01 00:00:01Z", 1000},
	{"1970-01-01T00:00:00.5Z", 500},
	{"1970-01-01T00:00:00.0019Z", 1},
	{"1970-01-01T00:00:00.123456789123456789Z", 123},
	{"1970-01-01T01:00:00+01:00", 0},
	{"1969-12-31T18:30:00-05:30", 0},
	{"1970-01-01T00:00:00-00:00", 0},
	{"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
	{"2016-12-31T23:59:60Z", INT64_C(1483228800000)}, /* a leap second */
	/* none of them */
	{"", BAD},
	{"1970-01-01", BAD},
	{"1970-01-01T00:00Z", BAD},
	{"1970-01-01T00:00:00", BAD},
	{"1970-01-01T00:00:00.Z", BAD},
	{"1970-01-01T00:00:00Zx", BAD},
	{"1970-01-01T00:00:00Z ", BAD},
	{" 1970-01-01T00:00:00Z", BAD},
	{"1970-01-01T00:00:00+0100", BAD},
	{"1970-01-01T00:00:00+01", BAD},
	{"1970-01-01T00:00:00+24:00", BAD},
	{"1970-01-01T00:00:00+01:60", BAD},
	{"1970-01-01T00:00:00+ 1:00", BAD},
	{"1970-01-01T00:00:00+-1:00", BAD},
	{"1970-01-01T24:00:00Z", BAD},
	{"1970-01-01T00:60:00Z", BAD},
	{"1970-01-01T00:00:61Z", BAD},
	{"1970-00-01T00:00:00Z", BAD},
	{"1970-13-01T00:00:00Z", BAD},
	{"1970-01-00T00:00:00Z", BAD},
	{"1970-01-32T00:00:00Z", BAD},
	{"2023-02-29T00:00:00Z", BAD},
	{"2024-04-31T00:00:00Z", BAD},
	{"1970-01-01T 0:00:00Z", BAD},
	{"1970-01-01T-1:00:00Z", BAD},
	{"+970-01-01T00:00:00Z", BAD},
	{"1970- 1-01T00:00:00Z", BAD},
	{"1970/01/01T00:00:00Z", BAD},
	{"Sat Nov 21 19:26:23 2026", BAD},
};

START_TEST(test_read)
{
	int64_t ms = BAD;
	int done = clock_parse_rfc3339(TIMES[_i].text, &ms);

	ck_assert_msg(done == (TIMES[_i].wall_ms == BAD ? -1 : 0), "%s", TIMES[_i].text);
	ck_assert_int_eq(ms, TIMES[_i].wall_ms);
}
END_TEST

START_TEST(test_clocks_run)
{
	int64_t mono = clock_mono_ms(), boot = clock_boot_ms();

	ck_assert_int_ge(boot, mono); /* it counts suspend, too */
	ck_assert_int_ge(clock_mono_ms(), mono);
	ck_assert_int_ge(clock_boot_ms(), boot);
	ck_assert_int_gt(clock_wall_ms(), INT64_C(1700000000000));
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("clock", &t);

	tcase_add_loop_test(t, test_forms, 0, COUNT(FORMS));
	tcase_add_loop_test(t, test_read, 0, COUNT(TIMES));
	tcase_add_test(t, test_clocks_run);
	return suite_run(s);
}
