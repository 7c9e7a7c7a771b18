/*
 * Any bytes: json_scan says the same as jansson, but for what is known to differ:
 *   depth      json_scan takes 512 levels, jansson 2048
 *   numbers    json_scan takes any; jansson (integers read as reals) none above 1.8e308
 *   surrogates json_scan takes a lone \ud800 .. \udfff, jansson does not
 *   NUL        json_scan takes \u0000 in a member's name, jansson only in values; the byte 0
 *              outside of strings is the end for jansson, and nothing for json_scan
 * What jansson takes, json_scan must take up to its depth; what json_scan alone takes must be
 * explained by the last three. Strings decoded are what jansson decodes.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *load(struct span s)
{
	const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;

	return json_loadb(s.at, s.len, flags, NULL);
}

/* The text is such that jansson may refuse what is JSON. A guess that errs towards "may". */
static bool jansson_may_refuse(struct span s)
{
	size_t digits = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		digits = c >= '0' && c <= '9' ? digits + 1 : 0;
		if (digits > 300)
			return true;
		if ((c == 'e' || c == 'E') && i > 0 && s.at[i - 1] >= '0' && s.at[i - 1] <= '9')
			return true;
		if (c == '\\' && i + 3 < s.len && s.at[i + 1] == 'u' &&
			(s.at[i + 2] == 'd' || s.at[i + 2] == 'D' || s.at[i + 2] == '0'))
			return true;
	}
	return false;
}

static int kind_of(const json_t *value)
{
	static const int KINDS[] = {[JSON_OBJECT] = JSON_KIND_OBJECT,
		[JSON_ARRAY] = JSON_KIND_ARRAY,
		[JSON_STRING] = JSON_KIND_STRING,
		[JSON_INTEGER] = JSON_KIND_NUMBER,
		[JSON_REAL] = JSON_KIND_NUMBER,
		[JSON_TRUE] = JSON_KIND_TRUE,
		[JSON_FALSE] = JSON_KIND_FALSE,
		[JSON_NULL] = JSON_KIND_NULL};

	return KINDS[json_typeof(value)];
}

static void check_string(struct span string, const json_t *value)
{
	struct text decoded = {0};

	json_add_decoded(&decoded, string);
	if (!utf8_valid((struct span){decoded.data, decoded.len}))
		abort();
	if (value && (decoded.len != json_string_length(value) ||
			     (decoded.len > 0 && memcmp(decoded.data, json_string_value(value),
							 decoded.len) != 0)))
		abort();
	text_fini(&decoded);
}

/* Each member's value stands where it is said to stand, and is JSON by itself. */
static void check_member(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	const struct span *text = ctx;
	struct err err;

	if (key.at <= text->at || key.at + key.len >= value.at ||
		value.at + value.len > text->at + text->len || value.len == 0)
		abort();
	if (json_scan(value, NULL, NULL, &err) != (int)kind)
		abort();
	if (kind == JSON_KIND_STRING)
		check_string(value, NULL);
	check_string((struct span){key.at - 1, key.len + 2}, NULL);
}

static struct span without_blanks(struct span s)
{
	while (s.len && strchr(" \t\r\n", s.at[0]) && s.at[0])
		s = (struct span){s.at + 1, s.len - 1};
	while (s.len && strchr(" \t\r\n", s.at[s.len - 1]) && s.at[s.len - 1])
		s.len--;
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct err err = {""};
	int kind = json_scan(text, check_member, &text, &err);
	json_t *theirs = load(text);

	if (theirs && kind < 0 && strstr(err.text, "nested too deeply") == NULL &&
		memchr(data, '\0', size) == NULL)
		abort();
	if (theirs && kind >= 0 && kind != kind_of(theirs))
		abort();
	if (!theirs && kind >= 0 && !jansson_may_refuse(text))
		abort();
	if (kind == JSON_KIND_STRING)
		check_string(without_blanks(text), theirs);
	json_decref(theirs);
	return 0;
}
