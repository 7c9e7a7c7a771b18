/* base/json_scan: what is JSON, where its members stand, and strings decoded. */
#include <string.h>

#include "base/json_scan.h"
#include "support/suite.h"

#define BAD -1

static const struct {
	struct span text;
	int kind; /* BAD: refused, with `why` in the reason */
	const char *why;
} TEXTS[] = {
	{SPAN_LIT("{}"), JSON_KIND_OBJECT, NULL},
	{SPAN_LIT(" \t\r\n[ ] \n"), JSON_KIND_ARRAY, NULL},
	{SPAN_LIT("\"\""), JSON_KIND_STRING, NULL},
	{SPAN_LIT("0"), JSON_KIND_NUMBER, NULL},
	{SPAN_LIT("-0"), JSON_KIND_NUMBER, NULL},
	{SPAN_LIT("-0.0e-0"), JSON_KIND_NUMBER, NULL},
	{SPAN_LIT("7.10"), JSON_KIND_NUMBER, NULL},
	{SPAN_LIT("1E+400"), JSON_KIND_NUMBER, NULL},
	{SPAN_LIT("1234567890123456789012345678901234567890"), JSON_KIND_NUMBER, NULL},
	{SPAN_LIT("true"), JSON_KIND_TRUE, NULL},
	{SPAN_LIT("false"), JSON_KIND_FALSE, NULL},
	{SPAN_LIT("null"), JSON_KIND_NULL, NULL},
	{SPAN_LIT("{\"\":{\"a\":[1,{\"b\":null}]},\"\":0}"), JSON_KIND_OBJECT, NULL},
	{SPAN_LIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00aF\\uD83D\\uDE00\\ud800\\u0000\""),
		JSON_KIND_STRING, NULL},
	{SPAN_LIT("\"\x7f\xc3\xbc\xf0\x9f\x98\x80\""), JSON_KIND_STRING, NULL},
	/* none of it */
	{SPAN_LIT(""), BAD, "ends early at byte 0"},
	{SPAN_LIT("  "), BAD, "ends early at byte 2"},
	{SPAN_LIT("{"), BAD, "member name"},
	{SPAN_LIT("{\"a\""), BAD, "':' expected"},
	{SPAN_LIT("{\"a\":"), BAD, "ends early"},
	{SPAN_LIT("{\"a\":1"), BAD, "',' or '}'"},
	{SPAN_LIT("{\"a\":1,}"), BAD, "member name"},
	{SPAN_LIT("{a:1}"), BAD, "member name"},
	{SPAN_LIT("{'a':1}"), BAD, "member name"},
	{SPAN_LIT("{1:1}"), BAD, "member name"},
	{SPAN_LIT("{\"a\" 1}"), BAD, "':' expected"},
	{SPAN_LIT("["), BAD, "ends early"},
	{SPAN_LIT("[1"), BAD, "',' or ']'"},
	{SPAN_LIT("[1,]"), BAD, "unexpected"},
	{SPAN_LIT("[,1]"), BAD, "unexpected"},
	{SPAN_LIT("[1 2]"), BAD, "',' or ']'"},
	{SPAN_LIT("[1}"), BAD, "',' or ']'"},
	{SPAN_LIT("[1]]"), BAD, "behind the end at byte 3"},
	{SPAN_LIT("{} {}"), BAD, "behind the end"},
	{SPAN_LIT("{}\0"), BAD, "behind the end"},
	{SPAN_LIT("\0"), BAD, "unexpected"},
	{SPAN_LIT("\xef\xbb\xbf{}"), BAD, "unexpected"},
	{SPAN_LIT("01"), BAD, "behind the end"},
	{SPAN_LIT("-"), BAD, "unexpected"},
	{SPAN_LIT("+1"), BAD, "unexpected"},
	{SPAN_LIT(".5"), BAD, "unexpected"},
	{SPAN_LIT("1."), BAD, "behind its point"},
	{SPAN_LIT("1.e1"), BAD, "behind its point"},
	{SPAN_LIT("1e"), BAD, "exponent"},
	{SPAN_LIT("1e+"), BAD, "exponent"},
	{SPAN_LIT("0x1"), BAD, "behind the end"},
	{SPAN_LIT("NaN"), BAD, "unexpected"},
	{SPAN_LIT("nul"), BAD, "unexpected"},
	{SPAN_LIT("True"), BAD, "unexpected"},
	{SPAN_LIT("truefalse"), BAD, "behind the end"},
	{SPAN_LIT("// x\n1"), BAD, "unexpected"},
	{SPAN_LIT("\""), BAD, "without end"},
	{SPAN_LIT("\"a\\\""), BAD, "without end"},
	{SPAN_LIT("\"\n\""), BAD, "control character"},
	{SPAN_LIT("\"\0\""), BAD, "control character"},
	{SPAN_LIT("\"\\x41\""), BAD, "bad escape"},
	{SPAN_LIT("\"\\"), BAD, "bad escape"},
	{SPAN_LIT("\"\\\0\""), BAD, "bad escape"},
	{SPAN_LIT("\"\\u12\""), BAD, "bad \\u"},
	{SPAN_LIT("\"\\u12g4\""), BAD, "bad \\u"},
	{SPAN_LIT("\"\\u"), BAD, "bad \\u"},
	{SPAN_LIT("\"\xff\""), BAD, "no UTF-8 at byte 1"},
	{SPAN_LIT("\"\xed\xa0\x80\""), BAD, "no UTF-8"},
	{SPAN_LIT("\"\xc3"), BAD, "no UTF-8"},
};

START_TEST(test_each_text)
{
	struct err err = {""};
	char *copy = malloc(TEXTS[_i].text.len + 1); /* of its exact size, for the sanitizer */
	struct span text = {copy, TEXTS[_i].text.len};

	copy = realloc(copy, text.len ? text.len : 1);
	text.at = copy;
	memcpy(copy, TEXTS[_i].text.at, text.len);
	ck_assert_msg(json_scan(text, NULL, NULL, &err) == TEXTS[_i].kind, "%s", err.text);
	if (TEXTS[_i].kind == BAD)
		ck_assert_msg(strstr(err.text, TEXTS[_i].why), "%s", err.text);
	free(copy);
}
END_TEST

/* -- members ----------------------------------------------------------------------------------------- */

static void list_member(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	text_addf(ctx, "%.*s=%d:%.*s|", (int)key.len, key.at, (int)kind, (int)value.len, value.at);
}

START_TEST(test_members)
{
	static const struct {
		const char *text, *members;
	} rows[] = {{"{}", ""},
		{" { \"a\" : [1, {\"b\": 2}] , \"c\":\"x\" } ", "a=1:[1, {\"b\": 2}]|c=2:\"x\"|"},
		{"{\"a\":1,\"a\":7.10,\"\\u0061\":null}", "a=3:1|a=3:7.10|\\u0061=6:null|"},
		{"{\"o\":{\"x\":{}},\"t\":true,\"f\":false}", "o=0:{\"x\":{}}|t=4:true|f=5:false|"},
		{"{\"a\":1,\"b\":", "a=3:1|"}, /* told although the rest is bad */
		{"[{\"a\":1}]", ""}};
	struct text got = {0};
	struct err err;

	for (size_t i = 0; i < COUNT(rows); i++) {
		text_reserve(&got, 0);
		text_clear(&got);
		json_scan(span_of(rows[i].text), list_member, &got, &err);
		ck_assert_str_eq(got.data, rows[i].members);
	}
	text_fini(&got);
}
END_TEST

static int scan_nested(int depth, const char *open, const char *close)
{
	struct text t = {0};
	struct err err;
	int kind;

	for (int i = 0; i < depth; i++)
		text_add_str(&t, open);
	text_add_str(&t, "1");
	for (int i = 0; i < depth; i++)
		text_add_str(&t, close);
	kind = json_scan(text_span(&t), NULL, NULL, &err);
	text_fini(&t);
	return kind;
}

START_TEST(test_depth)
{
	ck_assert_int_eq(scan_nested(JSON_DEPTH_MAX, "[", "]"), JSON_KIND_ARRAY);
	ck_assert_int_eq(scan_nested(JSON_DEPTH_MAX + 1, "[", "]"), -1);
	ck_assert_int_eq(scan_nested(JSON_DEPTH_MAX, "{\"a\":", "}"), JSON_KIND_OBJECT);
	ck_assert_int_eq(scan_nested(100000, "{\"a\":", "}"), -1);
}
END_TEST

START_TEST(test_breadth_is_no_depth)
{
	struct text t = {0};
	struct err err;

	text_add_str(&t, "[[]");
	for (int i = 0; i < 2 * JSON_DEPTH_MAX; i++)
		text_add_str(&t, ",[{}]");
	text_add_str(&t, "]");
	ck_assert_int_eq(json_scan(text_span(&t), NULL, NULL, &err), JSON_KIND_ARRAY);
	text_fini(&t);
}
END_TEST

/* -- decoding ---------------------------------------------------------------------------------------- */

static const struct {
	struct span string, decoded;
} STRINGS[] = {
	{SPAN_LIT("\"\""), SPAN_LIT("")},
	{SPAN_LIT("\"plain \xc3\xbc\""), SPAN_LIT("plain \xc3\xbc")},
	{SPAN_LIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), SPAN_LIT("\"\\/\b\f\n\r\t")},
	{SPAN_LIT("\"a\\u0000b\""), SPAN_LIT("a\0b")},
	{SPAN_LIT("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\""),
		SPAN_LIT("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
	{SPAN_LIT("\"\\ud800\\udc00\\uDBFF\\uDFFF\""),
		SPAN_LIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
	/* lone surrogates */
	{SPAN_LIT("\"\\ud800\""), SPAN_LIT("\xef\xbf\xbd")},
	{SPAN_LIT("\"\\udc00x\""), SPAN_LIT("\xef\xbf\xbdx")},
	{SPAN_LIT("\"\\ud800\\u0041\""), SPAN_LIT("\xef\xbf\xbd"
						  "A")},
	{SPAN_LIT("\"\\ud800\\ud800\\udc00\""), SPAN_LIT("\xef\xbf\xbd\xf0\x90\x80\x80")},
	{SPAN_LIT("\"\\ud800\\n\""), SPAN_LIT("\xef\xbf\xbd\n")},
	{SPAN_LIT("\"\\ud800abcdefgh\""), SPAN_LIT("\xef\xbf\xbd"
						   "abcdefgh")},
};

START_TEST(test_decoded)
{
	struct text out = {0};
	struct err err;

	ck_assert_int_eq(json_scan(STRINGS[_i].string, NULL, NULL, &err), JSON_KIND_STRING);
	json_add_decoded(&out, STRINGS[_i].string);
	ck_assert_span_eq(text_span(&out), STRINGS[_i].decoded);
	ck_assert(utf8_valid(text_span(&out)));
	text_fini(&out);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("json_scan", &t);

	tcase_add_loop_test(t, test_each_text, 0, COUNT(TEXTS));
	tcase_add_test(t, test_members);
	tcase_add_test(t, test_depth);
	tcase_add_test(t, test_breadth_is_no_depth);
	tcase_add_loop_test(t, test_decoded, 0, COUNT(STRINGS));
	return suite_run(s);
}
