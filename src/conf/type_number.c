/* conf/type_number: numbers, with and without units; see type.h. Any process; pure. */
#include "conf/type.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/units.h"
#include "conf/conf.h"

const char *conf_scalar(const struct conf_node *n)
{
	return n->kind == CONF_NODE_SCALAR && !conf_node_is_null(n) ? n->text : NULL;
}

static bool in_range(const struct conf_key *k, int64_t value)
{
	if (value == CONF_NONE && (k->flags & CONF_KEY_NONE))
		return true;
	return value >= k->min && value <= k->max;
}

static void allow_none(const struct conf_key *k, struct text *out)
{
	if (k->flags & CONF_KEY_NONE)
		text_add_str(out, ", or none");
}

bool conf_parse_int(const char *s, int64_t *out)
{
	const char *digits = *s == '-' ? s + 1 : s;
	size_t n = strspn(digits, "0123456789");

	if (n == 0 || digits[n] != '\0' || (*digits == '0' && n > 1) || strcmp(s, "-0") == 0)
		return false;
	errno = 0;
	*out = strtoll(s, NULL, 10);
	return errno == 0;
}

/* -- duration, size -- */

static void allow_duration(const struct conf_key *k, struct text *out)
{
	char low[32], high[32];

	text_addf(out, "a duration with its unit (ms, s, m, h, d), %s to %s",
		units_format_duration(k->min, low), units_format_duration(k->max, high));
	allow_none(k, out);
}

static bool read_duration(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	const char *s = conf_scalar(n);
	int64_t value;

	(void)r;
	if (!s || units_parse_duration(s, &value) < 0 || !in_range(k, value))
		return false;
	*(int64_t *)at = value;
	return true;
}

static void print_duration(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	char s[32];

	(void)k;
	text_add_str(p->out, units_format_duration(*(const int64_t *)at, s));
}

const struct conf_type conf_type_duration = {
	.allow = allow_duration, .read = read_duration, .print = print_duration};

static void allow_size(const struct conf_key *k, struct text *out)
{
	char low[32], high[32];

	text_addf(out, "a size with its unit (K, M, G, T), %s to %s",
		units_format_size(k->min, low), units_format_size(k->max, high));
	allow_none(k, out);
}

/* units_parse_size takes a bare number for bytes; in the file only 0 goes without a unit. */
static bool read_size(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	const char *s = conf_scalar(n);
	int64_t value;

	(void)r;
	if (!s || units_parse_size(s, &value) < 0 || !in_range(k, value))
		return false;
	if (value > 0 && s[strspn(s, "0123456789")] == '\0')
		return false;
	*(int64_t *)at = value;
	return true;
}

static void print_size(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	char s[32];

	(void)k;
	text_add_str(p->out, units_format_size(*(const int64_t *)at, s));
}

const struct conf_type conf_type_size = {
	.allow = allow_size, .read = read_size, .print = print_size};

/* -- count, int -- */

static void allow_count(const struct conf_key *k, struct text *out)
{
	if (k->max == INT64_MAX)
		text_addf(out, "a whole number from %" PRId64 " on", k->min);
	else
		text_addf(out, "a whole number, %" PRId64 " to %" PRId64, k->min, k->max);
	allow_none(k, out);
}

static bool read_number(const struct conf_key *k, const struct conf_node *n, int64_t *value)
{
	const char *s = conf_scalar(n);

	if (!s)
		return false;
	if ((k->flags & CONF_KEY_NONE) && strcmp(s, "none") == 0) {
		*value = CONF_NONE;
		return true;
	}
	return n->plain && conf_parse_int(s, value) && *value >= k->min && *value <= k->max;
}

static bool read_count(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	int64_t value;

	(void)r;
	if (!read_number(k, n, &value))
		return false;
	*(int64_t *)at = value;
	return true;
}

static void print_count(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	int64_t value = *(const int64_t *)at;

	if (value == CONF_NONE && (k->flags & CONF_KEY_NONE))
		text_add_str(p->out, "none");
	else
		text_add_int(p->out, value);
}

const struct conf_type conf_type_count = {
	.allow = allow_count, .read = read_count, .print = print_count};

static bool read_int(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	int64_t value;

	(void)r;
	if (!read_number(k, n, &value))
		return false;
	*(int *)at = (int)value;
	return true;
}

static void print_int(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	(void)k;
	text_add_int(p->out, *(const int *)at);
}

const struct conf_type conf_type_int = {.allow = allow_count, .read = read_int, .print = print_int};

/* -- real -- */

static void allow_real(const struct conf_key *k, struct text *out)
{
	text_addf(out, "a number such as 2 or 1.5, %" PRId64 " to %" PRId64, k->min, k->max);
}

static bool read_real(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	const char *s = conf_scalar(n);
	size_t whole, part;
	double value;

	(void)r;
	if (!s || !n->plain || strlen(s) > 16)
		return false;
	whole = strspn(s, "0123456789");
	if (whole == 0 || (s[whole] != '.' && s[whole] != '\0'))
		return false;
	if (s[whole] == '.') {
		part = strspn(s + whole + 1, "0123456789");
		if (part == 0 || s[whole + 1 + part] != '\0')
			return false;
	}
	value = strtod(s, NULL);
	if (value < (double)k->min || value > (double)k->max)
		return false;
	*(double *)at = value;
	return true;
}

/* The shortest form that reads back; %f, since an exponent would be refused. */
static void print_real(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	double value = *(const double *)at;
	char s[64];

	(void)k;
	for (int digits = 0; digits <= 17; digits++) {
		snprintf(s, sizeof s, "%.*f", digits, value);
		if (strtod(s, NULL) == value)
			break;
	}
	text_add_str(p->out, s);
}

const struct conf_type conf_type_real = {
	.allow = allow_real, .read = read_real, .print = print_real};

/* -- rate: 100/s -- */

static void allow_rate(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "a number of items per s, m or h, such as 100/s, or none");
}

static bool read_rate(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	struct conf_rate rate;
	const char *s = conf_scalar(n);

	(void)r;
	if (!s || units_parse_rate(s, &rate.items, &rate.per_ms) < 0)
		return false;
	if (rate.items && (rate.items < k->min || rate.items > k->max))
		return false;
	*(struct conf_rate *)at = rate;
	return true;
}

static void print_rate(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const struct conf_rate *rate = at;
	char text[32];

	(void)k;
	text_add_str(p->out, units_format_rate(rate->items, rate->per_ms, text));
}

const struct conf_type conf_type_rate = {
	.allow = allow_rate, .read = read_rate, .print = print_rate};
