/* cron: the times of a schedule; see cron.h. Any process. cron_parse.c reads its text. */
#include "base/cron.h"

#include <time.h>

#define MINUTE INT64_C(60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* From the year 1 to the end of 9999: what calendars agree on. */
#define EARLIEST INT64_C(-62135596800)
#define LATEST	 INT64_C(253402300799)

/* Monday 2018-12-31, in days since 1970: the week that "%" counts from. */
#define FIRST_MONDAY 17896

static int next_bit(uint64_t set, int from)
{
	set = from < 64 ? set >> from : 0;
	return set ? from + __builtin_ctzll(set) : -1;
}

static bool has(uint64_t set, int n)
{
	return (set >> n & 1) != 0;
}

/* -- days, by the calendar alone -- */

static int days_in_month(const struct tm *day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = day->tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[day->tm_mon] + (day->tm_mon == 1 && leap);
}

static bool is_in_weeks(const struct cron *c, int weekday, int64_t day)
{
	int64_t week = day - FIRST_MONDAY;

	week = (week - (week % 7 + 7) % 7) / 7;
	for (int i = 0; i < c->n_weeks; i++) {
		const struct cron_weeks *w = &c->weeks[i];

		if (w->weekday == weekday &&
			(week % w->every + w->every) % w->every == w->rest % w->every)
			return true;
	}
	return false;
}

static bool matches_weekday(const struct cron *c, const struct tm *tm, int64_t day)
{
	int nth = (tm->tm_mday - 1) / 7 + 1;
	int from_end = (days_in_month(tm) - tm->tm_mday) / 7 + 1;

	return has(c->weekdays, tm->tm_wday) || has(c->nth[tm->tm_wday], nth) ||
	       has(c->nth_from_end[tm->tm_wday], from_end) || is_in_weeks(c, tm->tm_wday, day);
}

static bool matches_day(const struct cron *c, const struct tm *tm, int64_t day)
{
	bool of_month = has(c->days, tm->tm_mday) ||
			has(c->days_from_end, days_in_month(tm) - tm->tm_mday + 1);
	bool of_week = matches_weekday(c, tm, day);

	if (c->any_day || c->any_weekday || c->both)
		return (c->any_day || of_month) && (c->any_weekday || of_week);
	return of_month || of_week; /* crontab(5): when both are given, either will do */
}

/* -- local time: seconds since 1970 by the clocks on the wall -- */

/* The first second of the day at or after `second` that fires; -1: none. */
static int next_in_day(const struct cron *c, int second)
{
	int hour = second / 3600, minute = second / 60 % 60;

	for (int h = next_bit(c->hours, hour); h >= 0; h = next_bit(c->hours, h + 1)) {
		int m = next_bit(c->minutes, h == hour ? minute : 0);

		for (; m >= 0; m = next_bit(c->minutes, m + 1)) {
			bool same = h == hour && m == minute;
			int s = next_bit(c->seconds, same ? second % 60 : 0);

			if (s >= 0)
				return h * 3600 + m * 60 + s;
		}
	}
	return -1;
}

int64_t cron_next_local(const struct cron *c, int64_t from, int64_t until)
{
	int64_t day = (from - ((from % DAY) + DAY) % DAY) / DAY;
	int second = (int)(from - day * DAY);

	for (; day * DAY < until; day++, second = 0) {
		time_t t = (time_t)(day * DAY);
		struct tm tm;
		int found;

		gmtime_r(&t, &tm);
		if (!has(c->months, tm.tm_mon + 1)) {
			day += days_in_month(&tm) - tm.tm_mday; /* its last */
			continue;
		}
		found = matches_day(c, &tm, day) ? next_in_day(c, second) : -1;
		if (found >= 0)
			return day * DAY + found;
	}
	return CRON_NEVER;
}

/*
 * The next moment to look at the zone. Clocks are put back by a day at most: what comes again then
 * has been looked at, but for the first days.
 */
static int64_t skip(int64_t after_s, const struct zone_stretch *s, int64_t found, int64_t until)
{
	if (s->until < after_s + 2 * DAY)
		return s->until;
	if (found == CRON_NEVER)
		return until;
	found -= s->offset_s + 2 * DAY;
	return found > s->until ? found : s->until;
}

int64_t cron_next(const struct cron *c, struct zone *zone, int64_t after_s)
{
	int64_t until, from = 0, found = -1; /* no local time in [from, found) fires */

	if (after_s < EARLIEST || after_s > LATEST)
		return -1;
	until = after_s + CRON_YEARS_AHEAD * 366 * DAY;
	for (int64_t t = after_s + 1; t < until;) {
		struct zone_stretch s = zone_stretch_at(zone, t);
		int64_t local = t + s.offset_s;

		if (local < from || local > found) {
			from = local;
			found = cron_next_local(c, from, until + DAY);
		}
		if (found != CRON_NEVER && found - s.offset_s < s.until)
			return found - s.offset_s;
		t = skip(after_s, &s, found, until);
	}
	return -1;
}
