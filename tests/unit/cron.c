/*
 * Tests of base/cron: the recorded answers of fugit, and what they leave open.
 * Run from the root of the repository, or with VECTORS naming the folder.
 */
#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/cron.h"

static int64_t seconds_of(const char *rfc3339)
{
	int64_t ms;

	ck_assert_msg(clock_parse_rfc3339(rfc3339, &ms) == 0, "%s", rfc3339);
	return ms / 1000;
}

static struct zone *zone_of(const struct cron *c)
{
	struct err err;
	struct zone *z = zone_find(*c->zone ? c->zone : "UTC", &err);

	ck_assert_msg(z != NULL, "%s: %s", c->zone, err.text);
	return z;
}

static struct cron parse(const char *text)
{
	struct cron c;
	struct err err;

	ck_assert_msg(cron_parse(&c, span_of(text), &err) == 0, "%s: %s", text, err.text);
	return c;
}

static void check_next(const char *text, const char *after, const char *want)
{
	struct cron c = parse(text);
	int64_t got = cron_next(&c, zone_of(&c), seconds_of(after));
	char shown[CLOCK_TEXT_SIZE];

	ck_assert_msg(got == seconds_of(want), "%s after %s: want %s, got %s", text, after, want,
		clock_iso_second(got * 1000, shown));
}

/* -- fugit -- */

static void check_run(const char *text, const json_t *times)
{
	for (size_t i = 0; i + 1 < json_array_size(times); i++)
		check_next(text, json_string_value(json_array_get(times, i)),
			json_string_value(json_array_get(times, i + 1)));
}

START_TEST(test_as_fugit_answers)
{
	const char *folder = getenv("VECTORS");
	char path[512];
	json_error_t why;
	json_t *all, *entry, *times;
	size_t i, j, n = 0;

	snprintf(path, sizeof path, "%s/schedule-times.json", folder ? folder : "tests/vectors");
	all = json_load_file(path, 0, &why);
	ck_assert_msg(all != NULL, "%s: %s", path, why.text);
	json_array_foreach(json_object_get(all, "cron"), i, entry)
	{
		const char *text = json_string_value(json_object_get(entry, "cron"));
		bool want = json_is_true(json_object_get(entry, "parsed"));
		struct cron c;
		struct err err;

		ck_assert_msg((cron_parse(&c, span_of(text), &err) == 0) == want, "'%s'", text);
		json_array_foreach(json_object_get(entry, "next"), j, times) check_run(text, times);
		n++;
	}
	ck_assert_uint_eq(n, 52);
	json_decref(all);
}
END_TEST

/* From fugit's source, where no recorded case asks. 2026-01-01 is a Thursday. */
static const struct {
	const char *text, *after, *want;
} CORNERS[] = {
	{"0 0 * * mon#l", "2026-01-01T00:00:00Z", "2026-01-26T00:00:00Z"},
	{"0 0 * * MON#Last", "2026-01-01T00:00:00Z", "2026-01-26T00:00:00Z"},
	{"0 0 * * sun#5", "2026-01-01T00:00:00Z", "2026-03-29T00:00:00Z"},
	{"0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
	{"0 0 * feb mon#5", "2026-01-01T00:00:00Z", "2044-02-29T00:00:00Z"},
	{"0 0 * feb mon#5", "2072-03-01T00:00:00Z", "2112-02-29T00:00:00Z"},
	{"0 0 13 * fri&", "2026-01-01T00:00:00Z", "2026-02-13T00:00:00Z"},
	{"0 0 13& * fri", "2026-02-14T00:00:00Z", "2026-03-13T00:00:00Z"},
	{"0 0 13 * fri", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
	{"0 0 1-31 * fri", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
	{"0 0 */2 * fri", "2026-01-03T00:00:00Z", "2026-01-05T00:00:00Z"},
	{"0 0 30 2 mon", "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"},
	{"0 0 last * *", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"},
	{"0 0 -3-L 2 *", "2026-01-01T00:00:00Z", "2026-02-26T00:00:00Z"},
	{"0 0 -1--30 * *", "2026-01-02T00:00:00Z", "2026-01-31T00:00:00Z"},
	{"0 0 20-L * *", "2026-01-31T00:00:00Z", "2026-02-20T00:00:00Z"},
	{"0 0 -31 * *", "2026-01-02T00:00:00Z", "2026-03-01T00:00:00Z"},
	{"0 0 * * fri-mon/2", "2026-01-02T00:00:00Z", "2026-01-04T00:00:00Z"},
	{"0 0 * * mon/2", "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"},
	{"0 0 * * */3", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"},
	{"0 0 * * *,mon", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"},
	{"0 0 * * 7-2", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
	{"0 0 * * mon%2+1", "2026-01-01T00:00:00Z", "2026-01-12T00:00:00Z"},
	{"0 0 * * sun%2,mon%2", "2026-01-05T00:00:00Z", "2026-01-11T00:00:00Z"},
	{"0 0 * * mon%9999", "2026-01-01T00:00:00Z", NULL},
	{"0 24-2 * * *", "2026-01-01T00:30:00Z", "2026-01-01T01:00:00Z"},
	{"0 */9 * * *", "2026-01-01T00:00:00Z", "2026-01-01T09:00:00Z"},
	{"0 */27 * * *", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
	{"/20 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:20:00Z"},
	{"50-10/10 * * * *", "2026-01-01T00:10:00Z", "2026-01-01T00:50:00Z"},
	{"59 59 23 31 12 *", "2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z"},
	{"  5\t4   * * *  ", "2026-01-01T00:00:00Z", "2026-01-01T04:05:00Z"},
	{"0 0 * * * MON", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"},
	{"0 0 * * * MON&", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"},
	{"0 0 * * mon EST", "2026-01-01T00:00:00Z", "2026-01-05T05:00:00Z"},
	{"0 0 0 * * mon UTC", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"},
	{"@daily America/New_York", "2026-01-01T00:00:00Z", "2026-01-01T05:00:00Z"},
	{"0 9 * * * +05:30", "2026-01-01T00:00:00Z", "2026-01-01T03:30:00Z"},
	{"0 9 * * * -0345", "2026-01-01T00:00:00Z", "2026-01-01T12:45:00Z"},
	{"* * * * *", "1969-12-31T23:58:30Z", "1969-12-31T23:59:00Z"},
	{"* * * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"},
};

START_TEST(test_corners)
{
	struct cron c;

	if (CORNERS[_i].want) {
		check_next(CORNERS[_i].text, CORNERS[_i].after, CORNERS[_i].want);
		return;
	}
	c = parse(CORNERS[_i].text);
	ck_assert_int_eq(cron_next(&c, zone_of(&c), seconds_of(CORNERS[_i].after)), -1);
}
END_TEST

static const struct {
	const char *text, *why;
} BAD[] = {
	{"", "has no fields"},
	{" \t ", "has no fields"},
	{"*", "has 1 field"},
	{"* * * *", "has 4 fields"},
	{"* * * * * * *", "has 7 fields"},
	{"* * * * * * * *", "has too many words"},
	{"x * * * *", "has \"x\" in its minutes (0 to 59)"},
	{"*/60/2 * * * *", "has \"*/60/2\" in its minutes (0 to 59)"},
	{"1,,2 * * * *", "has \"\" in its minutes (0 to 59)"},
	{"1, * * * *", "has \"\" in its minutes (0 to 59)"},
	{"*5 * * * *", "has \"*5\" in its minutes (0 to 59)"},
	{"007 * * * *", "has \"007\" in its minutes (0 to 59)"},
	{"1- * * * *", "has \"1-\" in its minutes (0 to 59)"},
	{"-1 * * * *", "has \"-1\" in its minutes (0 to 59)"},
	{"*/ * * * *", "has \"*/\" in its minutes (0 to 59)"},
	{"*/100 * * * *", "has \"*/100\" in its minutes (0 to 59)"},
	{"99999999999999999999 * * * *", "has \"99999999999999999999\" in its minutes (0 to 59)"},
	{"0 25 * * *", "has \"25\" in its hours (0 to 24)"},
	{"61 0 0 * * *", "has \"61\" in its seconds (0 to 59)"},
	{"0 0 32 * *", "has \"32\" in its days of the month (1 to 31, -1 to -31 or L)"},
	{"0 0 -5-3 * *", "has \"-5-3\" in its days of the month (1 to 31, -1 to -31 or L)"},
	{"0 0 -5/2 * *", "has \"-5/2\" in its days of the month (1 to 31, -1 to -31 or L)"},
	{"0 0 & * *", "has \"&\" in its days of the month (1 to 31, -1 to -31 or L)"},
	{"0 0 * january *", "has \"january\" in its months (1 to 12 or jan to dec)"},
	{"0 0 * * monday", "has \"monday\" in its days of the week (0 to 7 or sun to sat, alone "
			   "also with #1 to #5, #L, %N or %N+N)"},
	{"0 0 31 4,6,9,11 *", "has a day that never comes"},
	{"0 0 -31 feb *", "has a day that never comes"},
	{"0 0 1& * mon#2", "has a day that never comes"},
	{"~ * * * *", "has a random time (~) in its minutes"},
	{"@reboot", "has a word with @ that stands for no times"},
	{"@", "has a word with @ that stands for no times"},
	{"@daily UTC UTC", "has a word with @ that stands for no times"},
	{"@daily x", "has \"x\" in its days of the week (0 to 7 or sun to sat, alone also with #1 "
		     "to #5, #L, %N or %N+N)"},
};

START_TEST(test_bad)
{
	struct cron c;
	struct err err;

	ck_assert_msg(cron_parse(&c, span_of(BAD[_i].text), &err) < 0, "'%s'", BAD[_i].text);
	ck_assert_str_eq(err.text, BAD[_i].why);
}
END_TEST

START_TEST(test_bad_bytes)
{
	struct cron c;
	struct err err;
	struct text many = {0};

	ck_assert_int_lt(cron_parse(&c, SPAN_LIT("* * * * *\0"), &err), 0);
	ck_assert_int_lt(cron_parse(&c, SPAN_LIT("\xff\xfe * * * *"), &err), 0);
	ck_assert(utf8_valid(span_of(err.text)));
	ck_assert_int_lt(cron_parse(&c, SPAN_LIT("* * * * * Europe/Ber\0lin"), &err), 0);
	for (int i = 0; i < 17; i++)
		text_addf(&many, "%smon%%%d", i > 0 ? "," : "0 0 * * ", i + 1);
	ck_assert_int_lt(cron_parse(&c, span_of(many.data), &err), 0);
	text_clear(&many);
	text_add_str(&many, "0 0 * * * E");
	while (many.len < 100)
		text_add_char(&many, 'e');
	ck_assert_int_lt(cron_parse(&c, span_of(many.data), &err), 0);
	ck_assert_str_eq(err.text, "has a last word that is no time zone");
	text_fini(&many);
}
END_TEST

START_TEST(test_end_of_time)
{
	struct cron c = parse("* * * * *");

	ck_assert_int_eq(cron_next(&c, zone_of(&c), INT64_MAX), -1);
	ck_assert_int_eq(cron_next(&c, zone_of(&c), INT64_MIN), -1);
	ck_assert_int_gt(cron_next(&c, zone_of(&c), seconds_of("9999-12-31T23:59:59Z")), 0);
}
END_TEST

/* -- against looking at every minute of a year -- */

static bool every_quarter(const struct tm *t)
{
	return t->tm_min % 15 == 0;
}

static bool half_past_one(const struct tm *t)
{
	return t->tm_hour == 1 && t->tm_min == 30;
}

static bool at_night(const struct tm *t)
{
	return (t->tm_hour <= 3 || t->tm_hour >= 22) && t->tm_min % 20 == 5;
}

static bool third_sunday(const struct tm *t)
{
	return t->tm_wday == 0 && t->tm_mday > 14 && t->tm_mday <= 21 && t->tm_hour == 2;
}

static bool either_day(const struct tm *t)
{
	return (t->tm_mday == 1 || t->tm_mday == 8 || t->tm_wday == 0) && t->tm_hour == 2 &&
	       t->tm_min == 10;
}

static const struct {
	const char *fields;
	bool (*fires)(const struct tm *t);
} PLAIN[] = {
	{"*/15 * * * *", every_quarter},
	{"30 1 * * *", half_past_one},
	{"5/20 22-3 * * *", at_night},
	{"* 2 * * sun#3", third_sunday},
	{"10 2 1,8 * 0", either_day},
};

/* Clocks change by an hour, by half an hour, at midnight, in steps of a zone of Ramadan. */
static const char *const ZONES[] = {"UTC", "America/New_York", "Australia/Lord_Howe",
	"America/Havana", "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Apia"};

#define COUNT(a) (sizeof(a) / sizeof *(a))

START_TEST(test_every_minute)
{
	const char *name = ZONES[_i];
	int64_t start = seconds_of("2026-01-01T00:00:00Z"),
		end = seconds_of("2027-01-01T00:00:00Z");
	struct err err;
	struct zone *zone = zone_find(name, &err);
	struct cron crons[COUNT(PLAIN)];
	int64_t next[COUNT(PLAIN)];

	for (size_t i = 0; i < COUNT(PLAIN); i++) {
		crons[i] = parse(PLAIN[i].fields);
		next[i] = cron_next(&crons[i], zone, start - 1);
	}
	setenv("TZ", name, 1);
	tzset();
	for (int64_t t = start; t < end; t += 60) {
		time_t when = (time_t)t;
		struct tm tm;

		localtime_r(&when, &tm);
		for (size_t i = 0; i < COUNT(PLAIN); i++) {
			if (PLAIN[i].fires(&tm) != (next[i] == t)) /* Check is slow at asking */
				ck_abort_msg("%s %s: at %" PRId64 ", the next is %" PRId64,
					PLAIN[i].fields, name, t, next[i]);
			if (next[i] == t)
				next[i] = cron_next(&crons[i], zone, t);
		}
	}
	ck_assert_str_eq(getenv("TZ"), name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cron");
	TCase *tc = tcase_create("cron");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_as_fugit_answers);
	tcase_add_loop_test(tc, test_corners, 0, COUNT(CORNERS));
	tcase_add_loop_test(tc, test_bad, 0, COUNT(BAD));
	tcase_add_test(tc, test_bad_bytes);
	tcase_add_test(tc, test_end_of_time);
	tcase_add_loop_test(tc, test_every_minute, 0, COUNT(ZONES));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
