/*
 * queue/failure: records as Resque writes them, whatever came in. Run from the root of the
 * repository, or with VECTORS naming the folder.
 */
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_scan.h"
#include "queue/failure.h"
#include "support/suite.h"

/* What every record must be, whoever reads it. */
static json_t *check_form(const struct text *record)
{
	struct err err = {""};
	json_t *root;

	ck_assert_msg(json_scan(text_span(record), NULL, NULL, &err) == JSON_KIND_OBJECT, "%s: %s",
		err.text, record->data);
	ck_assert(utf8_valid(text_span(record)));
	root = json_loadb(record->data, record->len, JSON_ALLOW_NUL, NULL);
	ck_assert(json_is_object(root));
	return root;
}

static struct failure plain(void)
{
	return (struct failure){.failed_at_ms = INT64_C(1795289183123),
		.payload = SPAN_LIT("{\"class\":\"A\",\"args\":[7.10]}"),
		.payload_readable = true,
		.exception = SPAN_LIT("Boom::Error"),
		.error = SPAN_LIT("boom"),
		.backtrace_lines = SPAN_LIT("one\ntwo\n"),
		.worker = SPAN_LIT("host:1:a,b"),
		.queue = SPAN_LIT("a")};
}

START_TEST(test_form)
{
	const struct failure f = plain();
	struct text out = {0};

	failure_write(&out, &f);
	ck_assert_str_eq(out.data,
		"{\"failed_at\":\"2026/11/21 19:26:23 "
		"UTC\",\"payload\":{\"class\":\"A\",\"args\":[7.10]},"
		"\"exception\":\"Boom::Error\",\"error\":\"boom\",\"backtrace\":[\"one\",\"two\"],"
		"\"worker\":\"host:1:a,b\",\"queue\":\"a\"}");
	json_decref(check_form(&out));
	text_fini(&out);
}
END_TEST

/* -- the records of real workers --------------------------------------------------------------------- */

static struct span string_in(json_t *record, const char *key)
{
	return span_of(json_string_value(json_object_get(record, key)));
}

static int64_t failed_at_of(json_t *record)
{
	char text[32];
	int64_t ms;

	snprintf(text, sizeof text, "%s", string_in(record, "failed_at").at);
	text[4] = text[7] = '-';
	text[10] = 'T';
	strcpy(text + 19, "Z");
	ck_assert_int_eq(clock_parse_rfc3339(text, &ms), 0);
	return ms;
}

/* Their own parts put together by us are their own bytes. */
static void check_recorded(const char *theirs)
{
	json_t *record = json_loads(theirs, JSON_DECODE_ANY, NULL);
	const char *payload = strstr(theirs, "\"payload\":") + strlen("\"payload\":");
	const char *backtrace = strstr(theirs, ",\"backtrace\":") + strlen(",\"backtrace\":");
	struct failure f = {.failed_at_ms = failed_at_of(record),
		.payload = {payload, (size_t)(strstr(payload, ",\"exception\":") - payload)},
		.payload_readable = !json_is_string(json_object_get(record, "payload")),
		.exception = string_in(record, "exception"),
		.error = string_in(record, "error"),
		.backtrace_json = {backtrace,
			(size_t)(strstr(backtrace, ",\"worker\":") - backtrace)},
		.worker = string_in(record, "worker"),
		.queue = string_in(record, "queue")};
	struct text out = {0};

	if (!f.payload_readable)
		f.payload = string_in(record, "payload");
	failure_write(&out, &f);
	ck_assert_str_eq(out.data, theirs);
	text_fini(&out);
	json_decref(record);
}

static int check_scenario(json_t *scenario)
{
	json_t *key, *item;
	size_t i, k;
	int n = 0;

	json_array_foreach(json_object_get(scenario, "after"), i, key)
	{
		if (strcmp(json_string_value(json_object_get(key, "key")), "resque:failed") != 0)
			continue;
		json_array_foreach(json_object_get(key, "value"), k, item)
		{
			check_recorded(json_string_value(item));
			n++;
		}
	}
	return n;
}

START_TEST(test_as_real_workers_write_it)
{
	const char *folder = getenv("VECTORS");
	char pattern[512];
	glob_t found;
	int n = 0;

	snprintf(pattern, sizeof pattern, "%s/[12][0-9]-*.json", folder ? folder : "tests/vectors");
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_t *scenario = json_load_file(found.gl_pathv[i], 0, NULL);

		ck_assert_ptr_nonnull(scenario);
		n += check_scenario(scenario);
		json_decref(scenario);
	}
	globfree(&found);
	ck_assert_int_ge(n, 6);
}
END_TEST

/* -- what is odd ------------------------------------------------------------------------------------- */

static const struct {
	struct span lines;
	const char *backtrace;
} LINES[] = {
	{{NULL, 0}, "[]"},
	{SPAN_LIT(""), "[]"},
	{SPAN_LIT("\n\r\n\n"), "[]"},
	{SPAN_LIT("no end"), "[\"no end\"]"},
	{SPAN_LIT("a\r\n\n b \r\nc\r"), "[\"a\",\" b \",\"c\"]"},
	{SPAN_LIT("<b>\"\\\t\0\x1b[0m\n"), "[\"<b>\\\"\\\\\\t\\u0000\\u001b[0m\"]"},
	{SPAN_LIT("caf\xe9\n\xff\n"), "[\"caf\xef\xbf\xbd\",\"\xef\xbf\xbd\"]"},
	{SPAN_LIT("\xe2\x82\xac cut \xe2\x82"), "[\"\xe2\x82\xac cut \xef\xbf\xbd\xef\xbf\xbd\"]"},
};

START_TEST(test_lines)
{
	struct failure f = plain();
	struct text out = {0}, want = {0};

	f.backtrace_lines = LINES[_i].lines;
	failure_write(&out, &f);
	text_addf(&want, ",\"backtrace\":%s,\"worker\"", LINES[_i].backtrace);
	ck_assert_msg(strstr(out.data, want.data), "%s", out.data);
	json_decref(check_form(&out));
	text_fini(&out);
	text_fini(&want);
}
END_TEST

static const struct {
	struct span payload;
	const char *string, *base64; /* NULL: no such member */
} UNREADABLE[] = {
	{{NULL, 0}, "", NULL},
	{SPAN_LIT(""), "", NULL},
	{SPAN_LIT("not \"json\""), "not \"json\"", NULL},
	{SPAN_LIT("{\"class\":null}"), "{\"class\":null}", NULL},
	{SPAN_LIT("\xc3\xbc"), "\xc3\xbc", NULL},
	{SPAN_LIT("caf\xe9"), "caf\xef\xbf\xbd", "Y2Fm6Q=="},
	{SPAN_LIT("\xff"), "\xef\xbf\xbd", "/w=="},
	{SPAN_LIT("{\"class\":\"A\",\"args\":[\"\xed\xa0\x80\"]}"),
		"{\"class\":\"A\",\"args\":[\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"]}",
		"eyJjbGFzcyI6IkEiLCJhcmdzIjpbIu2ggCJdfQ=="},
};

START_TEST(test_unreadable_payload_is_not_lost)
{
	struct failure f = plain();
	struct text out = {0};
	json_t *root, *base64;

	f.payload = UNREADABLE[_i].payload;
	f.payload_readable = false;
	failure_write(&out, &f);
	root = check_form(&out);
	base64 = json_object_get(root, "payload_base64");
	ck_assert_str_eq(string_in(root, "payload").at, UNREADABLE[_i].string);
	ck_assert_int_eq(base64 != NULL, UNREADABLE[_i].base64 != NULL);
	if (base64)
		ck_assert_str_eq(json_string_value(base64), UNREADABLE[_i].base64);
	json_decref(root);
	text_fini(&out);
}
END_TEST

START_TEST(test_words_of_any_bytes)
{
	static const struct span odd[] = {{NULL, 0}, SPAN_LIT("\0"), SPAN_LIT("a\"\\\n"),
		SPAN_LIT("\xff\xfe"), SPAN_LIT("\xf0\x9f\x98\x80 \xf0\x9f")};

	for (size_t i = 0; i < COUNT(odd); i++) {
		struct failure f = plain();
		struct text out = {0};
		json_t *root;

		f.exception = f.error = f.worker = f.queue = odd[i];
		failure_write(&out, &f);
		root = check_form(&out);
		ck_assert_uint_eq(json_object_size(root), 7);
		ck_assert(
			json_equal(json_object_get(root, "error"), json_object_get(root, "queue")));
		json_decref(root);
		text_fini(&out);
	}
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("failure", &t);

	tcase_add_test(t, test_form);
	tcase_add_test(t, test_as_real_workers_write_it);
	tcase_add_loop_test(t, test_lines, 0, COUNT(LINES));
	tcase_add_loop_test(t, test_unreadable_payload_is_not_lost, 0, COUNT(UNREADABLE));
	tcase_add_test(t, test_words_of_any_bytes);
	return suite_run(s);
}
