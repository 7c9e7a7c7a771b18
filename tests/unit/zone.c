/* Tests of base/zone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/zone.h"
#include "support/suite.h"

static struct err err;

static int64_t seconds_of(const char *rfc3339)
{
	int64_t ms;

	ck_assert_int_eq(clock_parse_rfc3339(rfc3339, &ms), 0);
	return ms / 1000;
}

static struct zone *find(const char *name)
{
	struct zone *z = zone_find(name, &err);

	ck_assert_msg(z != NULL, "%s %s", name, err.text);
	return z;
}

START_TEST(test_fixed)
{
	static const struct {
		const char *name;
		int64_t offset_s;
	} fixed[] = {{"UTC", 0}, {"+05:30", 19800}, {"-0800", -28800}, {"+14:00", 50400},
		{"-00:15", -900}};

	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		struct zone_stretch s = zone_stretch_at(find(fixed[i].name), 0);

		ck_assert_int_eq(s.offset_s, fixed[i].offset_s);
		ck_assert_int_eq(s.from, INT64_MIN);
		ck_assert_int_eq(s.until, INT64_MAX);
	}
}
END_TEST

/* The stretches follow each other without a hole, and end where the clocks change. */
START_TEST(test_changes)
{
	struct zone *z = find("America/New_York");
	struct zone_stretch s = zone_stretch_at(z, seconds_of("2026-03-01T00:00:00Z"));

	ck_assert_int_eq(s.offset_s, -5 * 3600);
	ck_assert_int_eq(s.until, seconds_of("2026-03-08T07:00:00Z"));
	ck_assert_int_eq(zone_stretch_at(z, s.until - 1).offset_s, -5 * 3600);
	for (s = zone_stretch_at(z, s.until); s.offset_s == -4 * 3600;)
		s = zone_stretch_at(z, s.until);
	ck_assert_int_eq(s.from, seconds_of("2026-11-01T06:00:00Z"));
}
END_TEST

START_TEST(test_same_name_same_zone)
{
	ck_assert_ptr_eq(find("Europe/Berlin"), find("Europe/Berlin"));
	ck_assert_ptr_ne(find("Europe/Berlin"), find("Europe/Paris"));
	ck_assert_str_eq(zone_name(find("Europe/Paris")), "Europe/Paris");
}
END_TEST

START_TEST(test_unknown)
{
	static const char *const names[] = {"", " ", "Europe/Berln", "europe/berlin ", "../UTC",
		"/usr/share/zoneinfo/UTC", "Europe", "UTC0", "EST5EDT4", ":UTC", "+1", "+25:00",
		"+05:60", "+0530x", "+05:3", "+05-30", "-", "+", "zone.tab", "tzdata.zi",
		"Europe/Berlin/Europe/Berlin/Europe/Berlin/Europe/Berlin/Europe/Berlin"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		ck_assert_msg(!zone_find(names[i], &err), "'%s'", names[i]);
		ck_assert_str_eq(err.text, "is no time zone");
	}
}
END_TEST

/* A minimal system has no time zone database, and libc would quietly take UTC. */
START_TEST(test_without_database)
{
	setenv("TZDIR", "/nonexistent", 1);
	ck_assert_ptr_null(zone_find("Europe/Berlin", &err));
	ck_assert_str_eq(err.text, "cannot be looked up, for the time zone database (package "
				   "tzdata) is not installed");
	ck_assert_ptr_nonnull(zone_find("UTC", &err));
	ck_assert_ptr_nonnull(zone_find("+02:00", &err));
}
END_TEST

/* Whoever uses local time besides sees none of this. */
START_TEST(test_local_time_is_left_alone)
{
	struct zone *z = find("Asia/Tokyo");
	time_t now = 1800000000;
	struct tm tm;

	setenv("TZ", "America/New_York", 1);
	tzset();
	zone_stretch_at(z, now);
	ck_assert_str_eq(getenv("TZ"), "America/New_York");
	localtime_r(&now, &tm);
	ck_assert_int_eq(tm.tm_gmtoff, -5 * 3600);
	unsetenv("TZ");
	tzset();
	zone_stretch_at(z, now + 400 * 86400);
	ck_assert_ptr_null(getenv("TZ"));
}
END_TEST

/* What was learned is not asked again: libc could not answer, for its files are gone. */
START_TEST(test_remembers)
{
	struct zone *z = find("Europe/Berlin");
	struct zone_stretch s = zone_stretch_at(z, seconds_of("2026-07-01T00:00:00Z"));

	setenv("TZDIR", "/nonexistent", 1);
	ck_assert_int_eq(zone_stretch_at(z, s.until - 1).offset_s, 7200);
	ck_assert_int_eq(
		zone_stretch_at(z, s.until).offset_s, 0); /* asked, and UTC for want of it */
}
END_TEST

/* More stretches than are remembered. */
START_TEST(test_two_hundred_years)
{
	struct zone *z = find("Europe/Berlin");
	int64_t t = seconds_of("2026-07-01T00:00:00Z"), end = seconds_of("2226-07-01T00:00:00Z");
	int changes = 0;

	for (int64_t last = 7200; t < end;) {
		struct zone_stretch s = zone_stretch_at(z, t);

		ck_assert(s.from <= t && t < s.until);
		changes += s.offset_s != last;
		last = s.offset_s;
		t = s.until;
	}
	ck_assert_int_eq(changes, 400);
	ck_assert_int_eq(zone_stretch_at(z, seconds_of("2026-07-01T00:00:00Z")).offset_s, 7200);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zone");
	TCase *tc = tcase_create("zone");

	tcase_add_test(tc, test_fixed);
	tcase_add_test(tc, test_changes);
	tcase_add_test(tc, test_same_name_same_zone);
	tcase_add_test(tc, test_unknown);
	tcase_add_test(tc, test_without_database);
	tcase_add_test(tc, test_local_time_is_left_alone);
	tcase_add_test(tc, test_remembers);
	tcase_add_test(tc, test_two_hundred_years);
	suite_add_tcase(suite, tc);
	return suite_run_apart(suite);
}
