/*
 * cron: when a schedule's time comes, from texts such as "15 3 * * mon-fri Europe/Berlin". They are
 * read as Ruby's fugit reads them, for resque-scheduler's are: what it takes, we take, and mean the
 * same by it. Left out are its random times ("~") and stray commas; and where both day fields are
 * given, no month is dropped for being too short: "0 0 31 2,3 mon" has its Mondays in February.
 * Pure, but for what the zone looks up.
 *
 * A time that a change of the clocks leaves out is skipped; one that comes twice fires twice.
 */
#ifndef DROVER_BASE_CRON_H
#define DROVER_BASE_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "base/zone.h"

#define CRON_TEXT_MAX	 512 /* bytes of a text */
#define CRON_WEEKS_MAX	 16  /* days of the week with %, in one text */
#define CRON_YEARS_AHEAD 50  /* how far cron_next looks */

/* "mon%2+1": every second week, counted from one that is the same for all. */
struct cron_weeks {
	uint8_t weekday;
	uint16_t every, rest;
};

/* Sets are bits: bit n stands for the value n. */
struct cron {
	uint64_t seconds, minutes;
	uint32_t hours, months;
	uint32_t days, days_from_end;	 /* of the month; bit 1 of the latter is its last */
	uint32_t weekdays;		 /* 0 is Sunday */
	uint8_t nth[7], nth_from_end[7]; /* "mon#2": bits 1 to 5, for each day of the week */
	struct cron_weeks weeks[CRON_WEEKS_MAX];
	uint8_t n_weeks;
	bool any_day, any_weekday; /* "*" */
	bool both;		   /* "&": day of month and day of week; else either will do */
	char zone[ZONE_NAME_MAX];  /* the last word; "" where there is none */
};

/*
 * Reads minute, hour, day of month, month and day of week, with seconds in front and a zone behind
 * where they are wanted; or @hourly, @daily, @midnight, @noon, @weekly, @monthly, @yearly,
 * @annually. Whether the zone exists is not looked at. -1 with a sentence that goes on from the
 * text, also for days that never come: "has ...".
 */
int cron_parse(struct cron *c, struct span text, struct err *err);

/*
 * The first time after `after_s` by the clocks of `zone`; seconds since 1970. -1 where none comes
 * within CRON_YEARS_AHEAD. c->zone is for the caller to have looked up.
 */
int64_t cron_next(const struct cron *c, struct zone *zone, int64_t after_s);

/*
 * The same by the calendar alone: the first local time (seconds since 1970 by the clocks on the
 * wall) from `from` on, looking at all days that begin before `until`; CRON_NEVER where none is.
 */
int64_t cron_next_local(const struct cron *c, int64_t from, int64_t until);
#define CRON_NEVER INT64_MAX

#endif
