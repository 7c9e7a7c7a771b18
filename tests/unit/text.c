/* base/text: the growing buffer, UTF-8 by RFC 3629, JSON strings, base64. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "support/suite.h"

/* -- UTF-8 ----------------------------------------------------------------------------------------- */

static const struct {
	struct span bytes;
	size_t first; /* length of the sequence at the beginning */
	bool valid;   /* all of it */
	struct span mended;
} SEQUENCES[] = {
	{SPAN_LIT(""), 0, true, SPAN_LIT("")},
	{SPAN_LIT("a"), 1, true, SPAN_LIT("a")},
	{SPAN_LIT("\0"), 1, true, SPAN_LIT("\0")},
	{SPAN_LIT("\x7f"), 1, true, SPAN_LIT("\x7f")},
	{SPAN_LIT("\xc2\x80"), 2, true, SPAN_LIT("\xc2\x80")},
	{SPAN_LIT("\xdf\xbf"), 2, true, SPAN_LIT("\xdf\xbf")},
	{SPAN_LIT("\xe0\xa0\x80"), 3, true, SPAN_LIT("\xe0\xa0\x80")},
	{SPAN_LIT("\xed\x9f\xbf"), 3, true, SPAN_LIT("\xed\x9f\xbf")},
	{SPAN_LIT("\xee\x80\x80"), 3, true, SPAN_LIT("\xee\x80\x80")},
	{SPAN_LIT("\xef\xbf\xbf"), 3, true, SPAN_LIT("\xef\xbf\xbf")},
	{SPAN_LIT("\xf0\x90\x80\x80"), 4, true, SPAN_LIT("\xf0\x90\x80\x80")},
	{SPAN_LIT("\xf4\x8f\xbf\xbf"), 4, true, SPAN_LIT("\xf4\x8f\xbf\xbf")},
	/* one byte that begins nothing */
	{SPAN_LIT("\x80"), 0, false, SPAN_LIT("\xef\xbf\xbd")},
	{SPAN_LIT("\xbf"), 0, false, SPAN_LIT("\xef\xbf\xbd")},
	{SPAN_LIT("\xff"), 0, false, SPAN_LIT("\xef\xbf\xbd")},
	{SPAN_LIT("\xf5\x80\x80\x80"), 0, false,
		SPAN_LIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
	/* overlong */
	{SPAN_LIT("\xc0\x80"), 0, false, SPAN_LIT("\xef\xbf\xbd\xef\xbf\xbd")},
	{SPAN_LIT("\xc1\xbf"), 0, false, SPAN_LIT("\xef\xbf\xbd\xef\xbf\xbd")},
	{SPAN_LIT("\xe0\x9f\xbf"), 0, false, SPAN_LIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
	{SPAN_LIT("\xf0\x8f\xbf\xbf"), 0, false,
		SPAN_LIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
	/* a surrogate; above U+10FFFF */
	{SPAN_LIT("\xed\xa0\x80"), 0, false, SPAN_LIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
	{SPAN_LIT("\xf4\x90\x80\x80"), 0, false,
		SPAN_LIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
	/* cut off, by the end and by another character */
	{SPAN_LIT("\xc3"), 0, false, SPAN_LIT("\xef\xbf\xbd")},
	{SPAN_LIT("\xe2\x82"), 0, false, SPAN_LIT("\xef\xbf\xbd\xef\xbf\xbd")},
	{SPAN_LIT("\xf0\x9f\x98"), 0, false, SPAN_LIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
	{SPAN_LIT("\xc3x"), 0, false, SPAN_LIT("\xef\xbf\xbdx")},
	{SPAN_LIT("caf\xe9 au lait\xff"), 1, false,
		SPAN_LIT("caf\xef\xbf\xbd au lait\xef\xbf\xbd")},
	{SPAN_LIT("gr\xc3\xbc\xc3\x9f"), 1, true, SPAN_LIT("gr\xc3\xbc\xc3\x9f")},
};

START_TEST(test_utf8)
{
	struct text t = {0};

	ck_assert_uint_eq(utf8_sequence(SEQUENCES[_i].bytes.at, SEQUENCES[_i].bytes.len),
		SEQUENCES[_i].first);
	ck_assert_int_eq(utf8_valid(SEQUENCES[_i].bytes), SEQUENCES[_i].valid);
	text_add_utf8(&t, SEQUENCES[_i].bytes);
	ck_assert_span_eq(text_span(&t), SEQUENCES[_i].mended);
	ck_assert(utf8_valid(text_span(&t)));
	text_fini(&t);
}
END_TEST

/* -- JSON strings ------------------------------------------------------------------------------------ */

static const struct {
	struct span bytes, json;
} STRINGS[] = {
	{SPAN_LIT(""), SPAN_LIT("\"\"")},
	{{NULL, 0}, SPAN_LIT("\"\"")},
	{SPAN_LIT("plain"), SPAN_LIT("\"plain\"")},
	{SPAN_LIT("a\"b\\c/d"), SPAN_LIT("\"a\\\"b\\\\c/d\"")},
	{SPAN_LIT("\b\t\n\f\r"), SPAN_LIT("\"\\b\\t\\n\\f\\r\"")},
	{SPAN_LIT("\0\x01\x1f\x7f"), SPAN_LIT("\"\\u0000\\u0001\\u001f\x7f\"")},
	{SPAN_LIT("\x1b[1m"), SPAN_LIT("\"\\u001b[1m\"")},
	{SPAN_LIT("\xe2\x82\xac\xff"), SPAN_LIT("\"\xe2\x82\xac\xef\xbf\xbd\"")},
	{SPAN_LIT("\xed\xa0\x80"), SPAN_LIT("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"")},
	{SPAN_LIT("</script>"), SPAN_LIT("\"</script>\"")},
};

START_TEST(test_json_string)
{
	struct text t = {0};

	text_add_json(&t, STRINGS[_i].bytes);
	ck_assert_span_eq(text_span(&t), STRINGS[_i].json);
	text_fini(&t);
}
END_TEST

/* -- base64: the examples of RFC 4648 ---------------------------------------------------------------- */

static const struct {
	struct span bytes;
	const char *digits;
} BASE64[] = {{SPAN_LIT(""), ""}, {SPAN_LIT("f"), "Zg=="}, {SPAN_LIT("fo"), "Zm8="},
	{SPAN_LIT("foo"), "Zm9v"}, {SPAN_LIT("foob"), "Zm9vYg=="}, {SPAN_LIT("fooba"), "Zm9vYmE="},
	{SPAN_LIT("foobar"), "Zm9vYmFy"}, {SPAN_LIT("\xff\xfb\xef\x00"), "//vvAA=="}};

START_TEST(test_base64)
{
	struct text t = {0};

	text_add_base64(&t, BASE64[_i].bytes);
	ck_assert_span_eq(text_span(&t), span_of(BASE64[_i].digits));
	text_fini(&t);
}
END_TEST

/* -- the buffer -------------------------------------------------------------------------------------- */

START_TEST(test_empty_ones)
{
	struct text t = {0};

	text_clear(&t);
	text_drop_front(&t, 0);
	text_add(&t, NULL, 0);
	ck_assert_str_eq(t.data, "");
	text_fini(&t);
	text_fini(&t);
	char *bytes = text_take(&t);
	ck_assert_str_eq(bytes, "");
	free(bytes);
	ck_assert(span_is(span_of(NULL), ""));
	ck_assert(!span_is(span_of(NULL), "a"));
	ck_assert(!span_is(SPAN_LIT("ab"), "a"));
}
END_TEST

START_TEST(test_grows_and_stays_terminated)
{
	struct text t = {0};

	for (int i = 0; i < 5000; i++) {
		text_add_char(&t, (char)('a' + i % 26));
		ck_assert_int_eq(t.data[t.len], '\0');
		ck_assert_uint_lt(t.len, t.cap);
	}
	text_drop_front(&t, 4990);
	ck_assert_uint_eq(t.len, 10);
	ck_assert_uint_eq(strlen(t.data), 10);
	ck_assert_int_eq(t.data[0], 'a' + 4990 % 26);
	text_drop_front(&t, 10);
	ck_assert_str_eq(t.data, "");
	text_fini(&t);
}
END_TEST

START_TEST(test_numbers_and_formats)
{
	static const long long numbers[] = {0, 7, -1, 10, LLONG_MAX, LLONG_MIN};
	char want[200];

	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct text t = {0};

		text_add_int(&t, numbers[i]);
		snprintf(want, sizeof want, "%lld", numbers[i]);
		ck_assert_str_eq(t.data, want);
		text_fini(&t);
	}
	struct text t = {0};
	text_add_str(&t, "x");
	text_addf(&t, "%0150d|%s", 5, "end");
	snprintf(want, sizeof want, "x%0150d|end", 5);
	ck_assert_str_eq(t.data, want);
	text_fini(&t);
}
END_TEST

START_TEST(test_more_than_is_there_cannot_be_dropped)
{
	struct text t = {0};

	text_add_str(&t, "ab");
	text_drop_front(&t, 3);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("text", &t);

	tcase_add_loop_test(t, test_utf8, 0, COUNT(SEQUENCES));
	tcase_add_loop_test(t, test_json_string, 0, COUNT(STRINGS));
	tcase_add_loop_test(t, test_base64, 0, COUNT(BASE64));
	tcase_add_test(t, test_empty_ones);
	tcase_add_test(t, test_grows_and_stays_terminated);
	tcase_add_test(t, test_numbers_and_formats);
	tcase_add_test_raise_signal(t, test_more_than_is_there_cannot_be_dropped, SIGABRT);
	return suite_run_apart(s);
}
