/* clock: see clock.h. Any process. */
#include "base/clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_boot_ms(void)
{
	return read_ms(CLOCK_BOOTTIME);
}

static struct tm utc_of(int64_t wall_ms)
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm = {0};

	gmtime_r(&s, &tm);
	return tm;
}

/* A year of nine digits, the most that 64 bits of milliseconds hold, still fits. */
#define FORMAT(wall_ms, out, form)                          \
	do {                                                \
		const struct tm tm_ = utc_of(wall_ms);      \
		strftime(out, CLOCK_TEXT_SIZE, form, &tm_); \
	} while (0)

char *clock_rfc3339(int64_t wall_ms, char *out)
{
	size_t n;

	FORMAT(wall_ms, out, "%Y-%m-%dT%H:%M:%S");
	n = strlen(out);
	snprintf(out + n, CLOCK_TEXT_SIZE - n, ".%03dZ", (int)(wall_ms % 1000));
	return out;
}

char *clock_iso_second(int64_t wall_ms, char *out)
{
	FORMAT(wall_ms, out, "%Y-%m-%dT%H:%M:%SZ");
	return out;
}

char *clock_iso_offset(int64_t wall_ms, char *out)
{
	FORMAT(wall_ms, out, "%Y-%m-%dT%H:%M:%S+00:00");
	return out;
}

char *clock_ruby(int64_t wall_ms, char *out)
{
	FORMAT(wall_ms, out, "%Y-%m-%d %H:%M:%S +0000");
	return out;
}

char *clock_resque_failed(int64_t wall_ms, char *out)
{
	FORMAT(wall_ms, out, "%Y/%m/%d %H:%M:%S UTC");
	return out;
}

/* The text begins as `form`, in which 0 is any digit, T its letter or a blank. */
static bool begins_as(const char *text, const char *form)
{
	for (; *form; form++, text++) {
		if (*form == '0' && !isdigit((unsigned char)*text))
			return false;
		if (*form == 'T' && (*text == '\0' || strchr("Tt ", *text) == NULL))
			return false;
		if (*form != '0' && *form != 'T' && *text != *form)
			return false;
	}
	return true;
}

static int number_at(const char *p, int digits)
{
	int n = 0;

	while (digits-- > 0)
		n = n * 10 + (*p++ - '0');
	return n;
}

/* ".123" -> 123; the digits behind the third are dropped. */
static const char *read_fraction(const char *p, int64_t *ms)
{
	int64_t scale = 100;

	if (*p != '.' || !isdigit((unsigned char)p[1]))
		return p;
	for (p++; isdigit((unsigned char)*p); p++) {
		*ms += (*p - '0') * scale;
		scale /= 10;
	}
	return p;
}

static int read_offset(const char *p, int64_t *offset_ms)
{
	int h, m;

	if (strcmp(p, "Z") == 0 || strcmp(p, "z") == 0)
		return 0;
	if ((*p != '+' && *p != '-') || !begins_as(p + 1, "00:00") || p[6] != '\0')
		return -1;
	h = number_at(p + 1, 2);
	m = number_at(p + 4, 2);
	if (h > 23 || m > 59)
		return -1;
	*offset_ms = (int64_t)(h * 60 + m) * 60000 * (*p == '-' ? -1 : 1);
	return 0;
}

int clock_parse_rfc3339(const char *text, int64_t *wall_ms)
{
	int64_t ms = 0, offset_ms = 0;
	struct tm tm = {0}, day;
	time_t s;

	if (!begins_as(text, "0000-00-00T00:00:00"))
		return -1;
	tm.tm_year = number_at(text, 4) - 1900;
	tm.tm_mon = number_at(text + 5, 2) - 1;
	tm.tm_mday = number_at(text + 8, 2);
	day = tm;
	timegm(&day);
	if (day.tm_mday != tm.tm_mday || day.tm_mon != tm.tm_mon)
		return -1; /* the 31st of a short month, the 13th month */
	tm.tm_hour = number_at(text + 11, 2);
	tm.tm_min = number_at(text + 14, 2);
	tm.tm_sec = number_at(text + 17, 2);
	if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	if (read_offset(read_fraction(text + 19, &ms), &offset_ms) < 0)
		return -1;
	s = timegm(&tm);
	*wall_ms = (int64_t)s * 1000 + ms - offset_ms;
	return 0;
}
