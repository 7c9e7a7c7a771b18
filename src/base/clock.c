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

__attribute__((format(strftime, 3, 0))) static char *format_utc(
	int64_t wall_ms, char *out, const char *fmt)
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&s, &tm);
	if (strftime(out, CLOCK_TEXT_SIZE, fmt, &tm) == 0)
		out[0] = '\0';
	return out;
}

char *clock_rfc3339(int64_t wall_ms, char *out)
{
	size_t n;

	format_utc(wall_ms, out, "%Y-%m-%dT%H:%M:%S");
	n = strlen(out);
	snprintf(out + n, CLOCK_TEXT_SIZE - n, ".%03dZ", (int)(wall_ms % 1000));
	return out;
}

char *clock_iso_second(int64_t wall_ms, char *out)
{
	return format_utc(wall_ms, out, "%Y-%m-%dT%H:%M:%SZ");
}

char *clock_iso_offset(int64_t wall_ms, char *out)
{
	return format_utc(wall_ms, out, "%Y-%m-%dT%H:%M:%S+00:00");
}

char *clock_ruby(int64_t wall_ms, char *out)
{
	return format_utc(wall_ms, out, "%Y-%m-%d %H:%M:%S +0000");
}

char *clock_resque_failed(int64_t wall_ms, char *out)
{
	return format_utc(wall_ms, out, "%Y/%m/%d %H:%M:%S UTC");
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
	int h, m, n = 0;

	if (strcmp(p, "Z") == 0 || strcmp(p, "z") == 0)
		return 0;
	if ((*p != '+' && *p != '-') || sscanf(p + 1, "%2d:%2d%n", &h, &m, &n) != 2)
		return -1;
	if (n != 5 || p[6] != '\0' || h > 23 || m > 59)
		return -1;
	*offset_ms = (int64_t)(h * 60 + m) * 60000 * (*p == '-' ? -1 : 1);
	return 0;
}

int clock_parse_rfc3339(const char *text, int64_t *wall_ms)
{
	int64_t ms = 0, offset_ms = 0;
	struct tm tm = {0};
	int n = 0, day;
	time_t s;

	if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		    &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) != 6 ||
		n != 19)
		return -1;
	if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	day = tm.tm_mday;
	if (read_offset(read_fraction(text + n, &ms), &offset_ms) < 0)
		return -1;
	s = timegm(&tm);
	if (tm.tm_mday != day) /* the 31st of a short month */
		return -1;
	*wall_ms = (int64_t)s * 1000 + ms - offset_ms;
	return 0;
}
