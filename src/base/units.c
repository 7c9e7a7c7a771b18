/* units: see units.h. Any process; pure. */
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* Largest first: format takes the first that divides. */
static const struct unit DURATIONS[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit SIZES[] = {
	{"T", INT64_C(1) << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static int parse(const char *text, const struct unit *units, size_t n, int64_t *out)
{
	int64_t number = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		int digit = *p - '0';

		if (number > (INT64_MAX - digit) / 10)
			return -1;
		number = number * 10 + digit;
	}
	if (p == text)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(p, units[i].name) != 0)
			continue;
		if (number > INT64_MAX / units[i].factor)
			return -1;
		*out = number * units[i].factor;
		return 0;
	}
	return -1;
}

int units_parse_duration(const char *text, int64_t *ms)
{
	if (strcmp(text, "none") == 0) {
		*ms = UNITS_NONE;
		return 0;
	}
	return parse(text, DURATIONS, COUNT(DURATIONS), ms);
}

int units_parse_size(const char *text, int64_t *bytes)
{
	if (strcmp(text, "none") == 0) {
		*bytes = UNITS_NONE;
		return 0;
	}
	return parse(text, SIZES, COUNT(SIZES), bytes);
}

static char *format(int64_t value, const struct unit *units, size_t n, char *out)
{
	if (value == UNITS_NONE)
		return strcpy(out, "none");
	for (size_t i = 0; i < n; i++) {
		if (value % units[i].factor != 0 || (value == 0 && i + 1 < n))
			continue;
		snprintf(out, 32, "%" PRId64 "%s", value / units[i].factor, units[i].name);
		break;
	}
	return out;
}

char *units_format_duration(int64_t ms, char *out)
{
	return format(ms, DURATIONS, COUNT(DURATIONS), out);
}

char *units_format_size(int64_t bytes, char *out)
{
	return format(bytes, SIZES, COUNT(SIZES), out);
}

/* -- rates --------------------------------------------------------------------------------- */

static const struct unit RATES[] = {{"/s", 1000}, {"/m", 60000}, {"/h", 3600000}};

int units_parse_rate(const char *text, int64_t *items, int64_t *per_ms)
{
	char digits[16] = "";
	size_t len = strspn(text, "0123456789");

	if (strcmp(text, "none") == 0) {
		*items = 0;
		*per_ms = 1000;
		return 0;
	}
	if (len == 0 || len >= sizeof digits)
		return -1;
	memcpy(digits, text, len);
	for (size_t i = 0; i < COUNT(RATES); i++) {
		if (strcmp(text + len, RATES[i].name) != 0)
			continue;
		*items = strtoll(digits, NULL, 10);
		*per_ms = RATES[i].factor;
		return *items > 0 ? 0 : -1;
	}
	return -1;
}

char *units_format_rate(int64_t items, int64_t per_ms, char *out)
{
	if (items <= 0)
		return strcpy(out, "none");
	snprintf(out, 32, "%" PRId64 "/%" PRId64 "ms", items, per_ms);
	for (size_t i = 0; i < COUNT(RATES); i++)
		if (RATES[i].factor == per_ms)
			snprintf(out, 32, "%" PRId64 "%s", items, RATES[i].name);
	return out;
}

char *units_say_duration(int64_t ms, char *out)
{
	if (ms < 1000)
		snprintf(out, 32, "%" PRId64 " ms", ms);
	else if (ms < 120000)
		snprintf(out, 32, "%.1f s", (double)ms / 1e3);
	else
		snprintf(out, 32, "%" PRId64 " min %" PRId64 " s", ms / 60000, ms / 1000 % 60);
	return out;
}

char *units_say_size(int64_t bytes, char *out)
{
	if (bytes < 1 << 20)
		snprintf(out, 32, "%.1f KiB", (double)bytes / 1024);
	else if (bytes < 1 << 30)
		snprintf(out, 32, "%.1f MiB", (double)bytes / (1 << 20));
	else
		snprintf(out, 32, "%.2f GiB", (double)bytes / (1 << 30));
	return out;
}
