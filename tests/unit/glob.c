/*
 * Tests of base/glob: the recorded answers of Ruby's File.fnmatch, and what they leave open.
 * Run from the root of the repository, or with VECTORS naming the folder.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"

static json_t *load_vectors(void)
{
	const char *folder = getenv("VECTORS");
	char path[512];
	json_error_t why;
	json_t *all;

	snprintf(path, sizeof path, "%s/queue-globs.json", folder ? folder : "tests/vectors");
	all = json_load_file(path, 0, &why);
	ck_assert_msg(all != NULL, "%s: %s", path, why.text);
	return all;
}

START_TEST(test_as_ruby_answers)
{
	json_t *all = load_vectors(), *entry;
	size_t i, n = 0;

	json_array_foreach(json_object_get(all, "fnmatch"), i, entry)
	{
		const char *pattern = json_string_value(json_array_get(entry, 0));
		const char *name = json_string_value(json_array_get(entry, 1));
		bool want = json_is_true(json_array_get(entry, 2));

		ck_assert_msg(glob_match(span_of(pattern), span_of(name)) == want,
			"'%s' and '%s': want %d", pattern, name, want);
		n++;
	}
	ck_assert_uint_eq(n, 814);
	json_decref(all);
}
END_TEST

/* From Ruby's source where no recorded case asks: a last backslash stands for nothing. */
static const struct {
	const char *pattern, *name;
	bool want;
} CORNERS[] = {
	{"a\\", "a", true},
	{"*\\", "anything", true},
	{"\\", "", true},
	{"\\.*", ".hidden", true},
	{"[.]*", ".hidden", false},
	{"[!]", "x", true},
	{"[\\]]", "]", true},
	{"[a\\-c]", "b", false},
	{"[a\\-c]", "-", true},
	{"[a-c", "b", false},
	{"[a-", "a", false},
	{"a[", "a[", false},
	{"[\xc3\xa0-\xc3\xaf]", "\xc3\xa9", true},
	{"[a-z]", "\xff", false},
	{"?", "\xff", true},
	{"??", "\xff\xfe", true},
	{"\xff", "\xff", false},
	{"*a*b*c", "xxaxxbxxc", true},
	{"*a*b*c", "xxaxxbxx", false},
	{"a?*", "a", false},
};

START_TEST(test_corners)
{
	ck_assert_msg(glob_match(span_of(CORNERS[_i].pattern), span_of(CORNERS[_i].name)) ==
			      CORNERS[_i].want,
		"'%s' and '%s'", CORNERS[_i].pattern, CORNERS[_i].name);
}
END_TEST

START_TEST(test_bytes_of_any_kind)
{
	ck_assert(glob_match(SPAN_LIT("a*"), (struct span){"a\0b", 3}));
	ck_assert(glob_match(SPAN_LIT("a?b"), (struct span){"a\0b", 3}));
	ck_assert(!glob_match(SPAN_LIT("a"), (struct span){"a\0b", 3}));
	ck_assert(glob_match((struct span){0}, (struct span){0}));
	ck_assert(glob_match(SPAN_LIT("*"), (struct span){0}));
}
END_TEST

/* With a matcher that tries every star anew this would not end in our lifetime. */
START_TEST(test_many_stars)
{
	struct text pattern = {0}, name = {0};

	for (int i = 0; i < 200; i++)
		text_add_str(&pattern, "a*");
	text_add_str(&pattern, "b");
	for (int i = 0; i < 2000; i++)
		text_add_char(&name, 'a');
	ck_assert(!glob_match(span_of(pattern.data), span_of(name.data)));
	text_fini(&pattern);
	text_fini(&name);
}
END_TEST

START_TEST(test_is_pattern)
{
	for (const char *c = "*?{}[]"; *c; c++) {
		char s[] = {'a', *c, 'b', '\0'};

		ck_assert(glob_is_pattern(s));
	}
	ck_assert(!glob_is_pattern(""));
	ck_assert(!glob_is_pattern("plain-name_1.x\\y!"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("glob");
	TCase *tc = tcase_create("glob");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_as_ruby_answers);
	tcase_add_loop_test(tc, test_corners, 0, sizeof CORNERS / sizeof *CORNERS);
	tcase_add_test(tc, test_bytes_of_any_kind);
	tcase_add_test(tc, test_many_stars);
	tcase_add_test(tc, test_is_pattern);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
