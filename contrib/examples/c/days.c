/*
 * days: a module with jobs that are whole C functions and may be stopped all the same. One has a
 * collection of its own (drover_each), the other says its cursor itself (drover_checkpoint).
 */
#include <drover/job.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* -- a collection: the days of a year ----------------------------------------------------------- */

struct days {
	int year;
	struct tm day;
	char text[16]; /* item and cursor: 2026-11-21 */
};

static void name(struct days *d)
{
	strftime(d->text, sizeof d->text, "%Y-%m-%d", &d->day);
}

/* Behind the day that the cursor names, or at the first. args: [YEAR] */
static void *open_days(struct drover_job *job, const char *cursor)
{
	struct days *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->year = (int)json_integer_value(json_array_get(drover_job_args(job), 0));
	d->day = (struct tm){.tm_year = d->year - 1900, .tm_hour = 12};
	if (cursor)
		strptime(cursor, "%Y-%m-%d", &d->day);
	return d;
}

static int next_day(void *at, struct drover_item *item)
{
	struct days *d = at;

	d->day.tm_mday++;
	d->day.tm_isdst = -1;
	if (mktime(&d->day) == -1)
		return -1;
	if (d->day.tm_year + 1900 != d->year)
		return 0;
	name(d);
	item->text = d->text;
	item->len = sizeof "2026-11-21" - 1;
	return 1;
}

static const char *cursor_of_day(void *at)
{
	return ((struct days *)at)->text;
}

static const struct drover_source days = {
	.open = open_days, .next = next_day, .cursor = cursor_of_day, .close = free};

static int close_day(struct drover_job *job, const struct drover_item *item)
{
	drover_note(job, item->text);
	printf("closed %s\n", item->text);
	return DROVER_DONE;
}

static int close_year(struct drover_job *job)
{
	return drover_each(job, &days, close_day);
}

/* -- a loop that says where it is --------------------------------------------------------------- */

/* args: [N]. The cursor: the last number, and the sum up to it. */
static int sum_up(struct drover_job *job)
{
	long long last = json_integer_value(json_array_get(drover_job_args(job), 0)), n = 0,
		  sum = 0;
	char text[64];
	int stop;

	if (drover_job_cursor(job))
		sscanf(drover_job_cursor(job), "%lld %lld", &n, &sum);
	while (n < last) {
		sum += ++n;
		drover_progress(job, n, last);
		snprintf(text, sizeof text, "%lld %lld", n, sum);
		if ((stop = drover_checkpoint(job, text)) != 0)
			return stop;
	}
	snprintf(text, sizeof text, "{\"sum\": %lld}", sum);
	drover_result(job, text);
	return DROVER_DONE;
}

DROVER_MODULE = {
	DROVER_FUNCTION(close_year),
	DROVER_FUNCTION(sum_up),
	DROVER_END,
};
