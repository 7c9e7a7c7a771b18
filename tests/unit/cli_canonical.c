/* When are two jobs the same? */
#include <check.h>
#include <stdlib.h>

#include "queue/canonical.h"

static const struct {
	const char *json, *form;
} forms[] = {
	{"[]", "[]"},
	{" [ 1 , \"a\" ] ", "[1,\"a\"]"},
	{"[{\"b\":1,\"a\":{\"d\":2,\"c\":3}}]", "[{\"a\":{\"c\":3,\"d\":2},\"b\":1}]"},
	{"[\"\\u00e9\\/\"]", "[\"\xc3\xa9/\"]"},
	{"[\"a\\u0000b\"]", "[\"a\\u0000b\"]"},
	{"[1.50]", "[1.5]"},
	/* what a decoder would not give back stays as it came */
	{"[ 123456789012345678901234567890 ]", "[ 123456789012345678901234567890 ]"},
	{"[ \"\\ud800\" ]", "[ \"\\ud800\" ]"},
	{"[1e999 ]", "[1e999 ]"},
	{"no json", "no json"},
};

START_TEST(forms_are_one)
{
	struct text out = {0};

	canonical_add_json(&out, span_of(forms[_i].json));
	ck_assert_str_eq(out.data, forms[_i].form);
	text_fini(&out);
}
END_TEST

START_TEST(parts_cannot_run_together)
{
	struct text job = {0}, request = {0};

	canonical_add_job(&job, SPAN_LIT("K"), SPAN_LIT("[ ]"));
	ck_assert_uint_eq(job.len, 4);
	ck_assert_mem_eq(job.data, "K\0[]", 4);
	canonical_add_request(&request, SPAN_LIT("K"), SPAN_LIT("q"), SPAN_LIT("[ ]"));
	ck_assert_uint_eq(request.len, 6);
	ck_assert_mem_eq(request.data, "K\0q\0[]", 6);
	text_fini(&job);
	text_fini(&request);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("canonical");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, forms_are_one, 0, sizeof forms / sizeof *forms);
	tcase_add_test(t, parts_cannot_run_together);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
