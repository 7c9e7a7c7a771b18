/* base/units: durations and sizes as people write them, and back. */
#include <string.h>

#include "base/units.h"
#include "support/suite.h"

#define BAD INT64_MIN

static const struct {
	const char *text;
	int64_t ms;
} DURATIONS[] = {
	{"0s", 0},
	{"500ms", 500},
	{"30s", 30000},
	{"10m", 600000},
	{"2h", 7200000},
	{"1d", 86400000},
	{"007s", 7000},
	{"none", UNITS_NONE},
	{"9223372036854775807ms", INT64_MAX},
	{"106751991167d", INT64_C(106751991167) * 86400000},
	/* none of them */
	{"", BAD},
	{"s", BAD},
	{"30", BAD},
	{"-1s", BAD},
	{"+1s", BAD},
	{"1.5s", BAD},
	{" 1s", BAD},
	{"1s ", BAD},
	{"1 s", BAD},
	{"1S", BAD},
	{"1sec", BAD},
	{"1w", BAD},
	{"1h30m", BAD},
	{"None", BAD},
	{"1K", BAD},
	{"106751991168d", BAD},
	{"9223372036854775808ms", BAD},
	{"99999999999999999999999999s", BAD},
};

static const struct {
	const char *text;
	int64_t bytes;
} SIZES[] = {
	{"0", 0},
	{"1", 1},
	{"64K", 65536},
	{"256M", 256 << 20},
	{"2G", INT64_C(2) << 30},
	{"3T", INT64_C(3) << 40},
	{"none", UNITS_NONE},
	{"9223372036854775807", INT64_MAX},
	/* none of them */
	{"", BAD},
	{"K", BAD},
	{"64k", BAD},
	{"64KB", BAD},
	{"64KiB", BAD},
	{"-1", BAD},
	{"1.5G", BAD},
	{"0x10", BAD},
	{" 1", BAD},
	{"8388608T", BAD},
	{"9223372036854775808", BAD},
};

START_TEST(test_read_duration)
{
	int64_t ms = BAD;
	int done = units_parse_duration(DURATIONS[_i].text, &ms);

	ck_assert_int_eq(done, DURATIONS[_i].ms == BAD ? -1 : 0);
	ck_assert_int_eq(ms, DURATIONS[_i].ms);
}
END_TEST

START_TEST(test_read_size)
{
	int64_t bytes = BAD;
	int done = units_parse_size(SIZES[_i].text, &bytes);

	ck_assert_int_eq(done, SIZES[_i].bytes == BAD ? -1 : 0);
	ck_assert_int_eq(bytes, SIZES[_i].bytes);
}
END_TEST

static const struct {
	int64_t value;
	const char *duration, *size;
} FORMS[] = {
	{0, "0ms", "0"},
	{1, "1ms", "1"},
	{1000, "1s", "1000"},
	{1500, "1500ms", "1500"},
	{1024, "1024ms", "1K"},
	{60000, "1m", "60000"},
	{90000, "90s", "90000"},
	{3600000, "1h", "3600000"},
	{86400000, "1d", "84375K"},
	{90000000, "25h", "90000000"},
	{INT64_C(1) << 40, "1099511627776ms", "1T"},
	{INT64_C(3) << 29, "1610612736ms", "1536M"},
	{UNITS_NONE, "none", "none"},
	{INT64_MAX, "9223372036854775807ms", "9223372036854775807"},
};

START_TEST(test_forms_read_back)
{
	char out[32];
	int64_t back;

	ck_assert_str_eq(units_format_duration(FORMS[_i].value, out), FORMS[_i].duration);
	ck_assert_int_eq(units_parse_duration(out, &back), 0);
	ck_assert_int_eq(back, FORMS[_i].value);
	ck_assert_str_eq(units_format_size(FORMS[_i].value, out), FORMS[_i].size);
	ck_assert_int_eq(units_parse_size(out, &back), 0);
	ck_assert_int_eq(back, FORMS[_i].value);
}
END_TEST

START_TEST(test_words_for_sentences)
{
	static const struct {
		int64_t value;
		const char *duration, *size;
	} says[] = {{0, "0 ms", "0.0 KiB"}, {999, "999 ms", "1.0 KiB"}, {1400, "1.4 s", "1.4 KiB"},
		{119999, "120.0 s", "117.2 KiB"}, {125000, "2 min 5 s", "122.1 KiB"},
		{INT64_C(537185485), "8953 min 5 s", "512.3 MiB"},
		{INT64_C(5) << 30, "89478 min 29 s", "5.00 GiB"}};
	char out[32];

	for (size_t i = 0; i < COUNT(says); i++) {
		ck_assert_str_eq(units_say_duration(says[i].value, out), says[i].duration);
		ck_assert_str_eq(units_say_size(says[i].value, out), says[i].size);
	}
}
END_TEST

START_TEST(test_rates)
{
	static const struct {
		const char *text;
		int64_t items, per_ms;
	} good[] = {{"100/s", 100, 1000}, {"1/m", 1, 60000},
		{"999999999999999/h", 999999999999999, 3600000}, {"none", 0, 1000}};
	static const char *const bad[] = {"", "100", "/s", "0/s", "-1/s", "1.5/s", "1/d", "1/s ",
		" 1/s", "9999999999999999/s", "none/s"};
	int64_t items = 0, per_ms = 0;
	char out[32];

	for (size_t i = 0; i < COUNT(good); i++) {
		ck_assert_int_eq(units_parse_rate(good[i].text, &items, &per_ms), 0);
		ck_assert_int_eq(items, good[i].items);
		ck_assert_int_eq(per_ms, good[i].per_ms);
		ck_assert_str_eq(units_format_rate(items, per_ms, out), good[i].text);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(units_parse_rate(bad[i], &items, &per_ms) < 0, "%s", bad[i]);
	ck_assert_str_eq(units_format_rate(5, 10000, out), "5/10000ms");
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("units", &t);

	tcase_add_loop_test(t, test_read_duration, 0, COUNT(DURATIONS));
	tcase_add_loop_test(t, test_read_size, 0, COUNT(SIZES));
	tcase_add_loop_test(t, test_forms_read_back, 0, COUNT(FORMS));
	tcase_add_test(t, test_words_for_sentences);
	tcase_add_test(t, test_rates);
	return suite_run(s);
}
