/* Tests of cli/show, cli/table and cli/doc: what strangers wrote comes out harmless. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doc.c"
#include "cli/show.c"
#include "cli/table.c"

static void expect(struct text *got, const char *want)
{
	ck_assert_str_eq(got->data ? got->data : "", want);
	text_fini(got);
}

START_TEST(test_safe)
{
	static const struct {
		struct span in;
		const char *out;
	} cases[] = {{SPAN_LIT("plain \xc3\xa9"), "plain \xc3\xa9"},
		{SPAN_LIT("a\nb\tc\rd"), "a\\nb\\tc\\rd"}, {SPAN_LIT("\x1b[31m"), "\\x1b[31m"},
		{SPAN_LIT("\0"), "\\x00"}, {SPAN_LIT("\x7f"), "\\x7f"},
		{SPAN_LIT("\xc2\x9b"), "\\x9b"}, {SPAN_LIT("\xe2\x80\xae"), "\\u202e"},
		{SPAN_LIT("\xff\xc3"), "\xef\xbf\xbd\xef\xbf\xbd"}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct text out = {0};

		show_add_safe(&out, cases[i].in);
		expect(&out, cases[i].out);
	}
}
END_TEST

START_TEST(test_json)
{
	struct text out = {0};

	show_add_json(&out, SPAN_LIT("[1,\n\"\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9\"]"));
	expect(&out, "[1, \"\\u007f\\u009b\\u202e\xc3\xa9\"]");
}
END_TEST

START_TEST(test_age)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {{-1, "-"}, {0, "0ms"}, {999, "999ms"}, {1000, "1s"}, {59999, "59s"},
		{60000, "1m 0s"}, {3599000, "59m 59s"}, {7500000, "2h 5m"}, {273600000, "3d 4h"}};
	char out[32];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_str_eq(show_age(cases[i].ms, out), cases[i].text);
}
END_TEST

START_TEST(test_state)
{
	struct text out = {0};

	show_add_state(&out, SPAN_LIT("running"), -1);
	expect(&out, "running");
	show_add_state(&out, SPAN_LIT("lost"), 125000);
	expect(&out, "lost: its supervisor has been silent for 2m 5s");
	show_add_state(&out, SPAN_LIT("lost"), -1);
	expect(&out, "lost: its supervisor has been silent");
}
END_TEST

static const struct table_column columns[] = {{"NAME", false}, {"N", true}, {"TEXT", false}};

static void fill(struct table *t)
{
	table_init(t, columns, 3);
	table_add_str(t, "\xc3\xa9t\xc3\xa9");
	table_add_number(t, 12);
	table_add_str(t, "a rather long text");
	table_add_str(t, "");
	table_add_number(t, -1);
	table_add_str(t, "b\n");
}

START_TEST(test_table)
{
	struct text out = {0};
	struct table t;

	fill(&t);
	table_print(&t, &out, 0, false);
	table_fini(&t);
	expect(&out, "NAME   N  TEXT\n"
		     "\xc3\xa9t\xc3\xa9   12  a rather long text\n"
		     "-      -  b\\n\n");
}
END_TEST

START_TEST(test_table_on_a_terminal)
{
	struct text out = {0};
	struct table t;

	fill(&t);
	table_print(&t, &out, 20, true);
	table_fini(&t);
	expect(&out, "\033[1mNAME   N  TEXT\033[0m\n"
		     "\xc3\xa9t\xc3\xa9   12  a rather \xe2\x80\xa6\n"
		     "-      -  b\\n\n");
}
END_TEST

START_TEST(test_doc)
{
	struct doc d = {0};

	doc_open(&d, NULL, '[');
	doc_open(&d, NULL, '{');
	doc_text(&d, "a", SPAN_LIT("x\"\x1b\xff"));
	doc_text(&d, "b", SPAN_LIT(""));
	doc_number(&d, "c", -1);
	doc_integer(&d, "d", -1);
	doc_json(&d, "e", SPAN_LIT("[1.10, {}]"));
	doc_bool(&d, "f", true);
	doc_time(&d, "g", 0);
	doc_open(&d, "h", '[');
	doc_close(&d, ']');
	doc_close(&d, '}');
	doc_open(&d, NULL, '{');
	doc_close(&d, '}');
	doc_close(&d, ']');
	expect(&d.text,
		"[{\"a\":\"x\\\"\\u001b\xef\xbf\xbd\",\"b\":null,\"c\":null,\"d\":-1,"
		"\"e\":[1.10, {}],\"f\":true,\"g\":\"1970-01-01T00:00:00.000Z\",\"h\":[]},{}]");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli_print");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_safe);
	tcase_add_test(tc, test_json);
	tcase_add_test(tc, test_age);
	tcase_add_test(tc, test_state);
	tcase_add_test(tc, test_table);
	tcase_add_test(tc, test_table_on_a_terminal);
	tcase_add_test(tc, test_doc);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
