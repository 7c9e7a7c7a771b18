/* Tests of cli/args: options anywhere, "--", values, what is refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.c"

static const struct args_option global[] = {
	{"-c", ARGS_VALUE, "FILE", ""}, {"--json", ARGS_FLAG, NULL, ""}, {0}};
static const struct args_option own[] = {{"--queue", ARGS_VALUE, "NAME", ""},
	{"--wait", ARGS_MAYBE, "DURATION", ""}, {"--in", ARGS_LATER, NULL, NULL}, {0}};

/* The words of `line` at its blanks. */
struct parsed {
	struct args args;
	struct err err;
	int rc;
	char *line, *argv[32];
};

static struct parsed parse(const char *line)
{
	struct parsed p = {.line = strdup(line)};
	size_t n = 0, at = 0;

	for (char *word = strtok(p.line, " "); word; word = strtok(NULL, " "))
		p.argv[n++] = word;
	p.rc = args_parse(&p.args, p.argv, &at, false, global, own, &p.err);
	return p;
}

static void drop(struct parsed *p)
{
	args_fini(&p->args);
	free(p->line);
}

START_TEST(test_options_anywhere)
{
	struct parsed p = parse("one --queue low two --json -c file --wait three");

	ck_assert_int_eq(p.rc, 0);
	ck_assert_uint_eq(p.args.n_words, 3);
	ck_assert_str_eq(p.args.words[2], "three");
	ck_assert_str_eq(args_value(&p.args, "--queue"), "low");
	ck_assert_str_eq(args_value(&p.args, "-c"), "file");
	ck_assert(args_has(&p.args, "--json") && args_has(&p.args, "--wait"));
	ck_assert_ptr_null(args_value(&p.args, "--wait"));
	drop(&p);
}
END_TEST

START_TEST(test_equals_and_last_one_wins)
{
	struct parsed p = parse("--queue=a=b --wait=30s --queue= x");

	ck_assert_int_eq(p.rc, 0);
	ck_assert_str_eq(args_value(&p.args, "--queue"), "");
	ck_assert_str_eq(args_value(&p.args, "--wait"), "30s");
	ck_assert_uint_eq(p.args.n_words, 1);
	drop(&p);
}
END_TEST

START_TEST(test_two_dashes_end_options)
{
	struct parsed p = parse("q C -- --json -x --");

	ck_assert_int_eq(p.rc, 0);
	ck_assert_uint_eq(p.args.n_words, 5);
	ck_assert_str_eq(p.args.words[2], "--json");
	ck_assert_str_eq(p.args.words[4], "--");
	ck_assert(!args_has(&p.args, "--json"));
	drop(&p);
}
END_TEST

START_TEST(test_a_dash_alone_is_a_word)
{
	struct parsed p = parse("-");

	ck_assert_int_eq(p.rc, 0);
	ck_assert_uint_eq(p.args.n_words, 1);
	drop(&p);
}
END_TEST

START_TEST(test_refused)
{
	static const char *const lines[][2] = {{"--nope", "unknown option --nope"},
		{"q -5", "unknown option -5"}, {"--queue", "--queue needs a value: NAME"},
		{"--json=yes", "--json takes no value"}, {"--in 5m", "--in is not built yet"},
		{"--jso", "unknown option --jso"}};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct parsed p = parse(lines[i][0]);

		ck_assert_int_eq(p.rc, -1);
		ck_assert_msg(strncmp(p.err.text, lines[i][1], strlen(lines[i][1])) == 0, "%s: %s",
			lines[i][0], p.err.text);
		drop(&p);
	}
}
END_TEST

START_TEST(test_until_word)
{
	char *argv[] = {"drover", "-c", "file", "queues", "--json", NULL};
	struct args args = {0};
	struct err err;
	size_t at = 1;

	ck_assert_int_eq(args_parse(&args, argv, &at, true, global, NULL, &err), 0);
	ck_assert_uint_eq(at, 4);
	ck_assert_uint_eq(args.n_words, 1);
	ck_assert_str_eq(args.words[0], "queues");
	args_fini(&args);
}
END_TEST

START_TEST(test_numbers)
{
	ck_assert_int_eq(args_number("0"), 0);
	ck_assert_int_eq(args_number("123456789012"), 123456789012);
	ck_assert_int_eq(args_number("1234567890123"), -1);
	ck_assert_int_eq(args_number(""), -1);
	ck_assert_int_eq(args_number("-1"), -1);
	ck_assert_int_eq(args_number("1a"), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli_args");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_options_anywhere);
	tcase_add_test(tc, test_equals_and_last_one_wins);
	tcase_add_test(tc, test_two_dashes_end_options);
	tcase_add_test(tc, test_a_dash_alone_is_a_word);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_until_word);
	tcase_add_test(tc, test_numbers);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
