/* Tests of base/template: texts with placeholders, checked and filled in. */
#include <string.h>

#include "base/template.h"
#include "support/suite.h"

#define BOTH (TEMPLATE_ARGS | TEMPLATE_ITEM)

static const struct {
	const char *text;
	unsigned allowed;
	const char *fault; /* NULL: none */
} CHECKS[] = {
	{"", 0, NULL},
	{"/var/lib/x.csv", 0, NULL},
	{"}", 0, NULL},
	{"{{", 0, NULL},
	{"{{print $1}", 0, NULL},
	{"{args.0}", TEMPLATE_ARGS, NULL},
	{"{args.123456789}", TEMPLATE_ARGS, NULL},
	{"a{args.path}b{args.0}c", TEMPLATE_ARGS, NULL},
	{"{args.first name.x}", TEMPLATE_ARGS, NULL},
	{"{{{args.0}}", TEMPLATE_ARGS, NULL},
	{"{item}{item.a}{item.00}", TEMPLATE_ITEM, NULL},
	{"{args.0}/{item.\xc3\xa9}", BOTH, NULL},
	{"{args.0}", 0, "has \"{args.0}\", which is nothing here"},
	{"{args.0}", TEMPLATE_ITEM, "has \"{args.0}\", which is nothing here"},
	{"x{item.a}", TEMPLATE_ARGS, "has \"{item.a}\", which is nothing here"},
	{"{", BOTH, "has \"{\", which is no placeholder"},
	{"a{args.0", BOTH, "has \"{args.0\", which is no placeholder"},
	{"{}", BOTH, "has \"{}\", which is no placeholder"},
	{"{args}", BOTH, "has \"{args}\", which is no placeholder"},
	{"{args.}", BOTH, "has \"{args.}\", which is no placeholder"},
	{"{args.00}", BOTH, "has \"{args.00}\", which is no placeholder"},
	{"{args.1234567890}", BOTH, "has \"{args.1234567890}\", which is no placeholder"},
	{"{arg.0}", BOTH, "has \"{arg.0}\", which is no placeholder"},
	{"{ARGS.0}", BOTH, "has \"{ARGS.0}\", which is no placeholder"},
	{"{args.a\nb}", BOTH, "has \"{args.a\\nb}\", which is no placeholder"},
	{"{item.}", BOTH, "has \"{item.}\", which is no placeholder"},
	{"{items}", BOTH, "has \"{items}\", which is no placeholder"},
	{"{args.{item}}", BOTH, "has \"{args.{item}\", which is no placeholder"},
	{"{print $1 and much more, some of it beyond what is to be shown of it}", BOTH,
		"has \"{print $1 and much more, some of it beyond what is to be sho\"..., which "
		"is no placeholder"},
	{"{2345678901234567890123456789012345678901234567890123456789\xc3\xa9 and more", BOTH,
		"has \"{2345678901234567890123456789012345678901234567890123456789\"..., which is "
		"no placeholder"},
};

START_TEST(test_check)
{
	struct err err = {""};
	int rc = template_check(CHECKS[_i].text, CHECKS[_i].allowed, &err);

	ck_assert_int_eq(rc, CHECKS[_i].fault ? -1 : 0);
	ck_assert_str_eq(err.text, CHECKS[_i].fault ? CHECKS[_i].fault : "");
}
END_TEST

START_TEST(test_kinds)
{
	ck_assert_uint_eq(template_kinds((struct span){0}), 0);
	ck_assert_uint_eq(template_kinds(SPAN_LIT("{{args.0}")), 0);
	ck_assert_uint_eq(template_kinds(SPAN_LIT("{args.0} {nothing}")), TEMPLATE_ARGS);
	ck_assert_uint_eq(template_kinds(SPAN_LIT("{item}")), TEMPLATE_ITEM);
	ck_assert_uint_eq(template_kinds(SPAN_LIT("{item}{args.a}")), BOTH);
}
END_TEST

START_TEST(test_long_names)
{
	struct text t = {0};
	struct err err;

	text_add_str(&t, "{args.");
	for (int i = 0; i < TEMPLATE_NAME_MAX; i++)
		text_add_char(&t, 'x');
	text_add_char(&t, '}');
	ck_assert_int_eq(template_check(t.data, TEMPLATE_ARGS, &err), 0);
	t.data[t.len - 1] = 'x';
	text_add_char(&t, '}');
	ck_assert_int_eq(template_check(t.data, TEMPLATE_ARGS, &err), -1);
	text_fini(&t);
}
END_TEST

static const struct {
	const char *name;
	struct span value;
} VALUES[] = {
	{"args.0", {"/tmp/x", 6}},
	{"args.name", {"a{b}", 4}},
	{"args.empty", {"", 0}},
	{"args.nul", {"a\0b", 3}},
	{"args.like", {"{item}", 6}},
	{"item", {"whole", 5}},
	{"item.id", {"7", 1}},
};

static int lookup(void *ctx, struct span name, struct text *out, struct err *err)
{
	++*(int *)ctx;
	for (size_t i = 0; i < COUNT(VALUES); i++) {
		if (!span_is(name, VALUES[i].name))
			continue;
		text_add_span(out, VALUES[i].value);
		return 0;
	}
	return err_set(err, "is missing");
}

static const struct {
	const char *text, *want; /* NULL: a fault */
	const char *fault;
	int asked;
} EXPANSIONS[] = {
	{"", "", NULL, 0},
	{"plain }}", "plain }}", NULL, 0},
	{"{{x}", "{x}", NULL, 0},
	{"{{{{", "{{", NULL, 0},
	{"{{args.0}", "{args.0}", NULL, 0},
	{"{{{args.0}}", "{/tmp/x}", NULL, 1},
	{"{args.0}/{item.id}.csv", "/tmp/x/7.csv", NULL, 2},
	{"<{args.empty}>", "<>", NULL, 1},
	{"{args.name}", "a{b}", NULL, 1},
	{"{args.like}", "{item}", NULL, 1}, /* what is put in is not looked at again */
	{"a{args.0}{args.9}", NULL, "{args.9}: is missing", 2},
	{"{args.nul}", NULL, "{args.nul}: holds a NUL", 1},
	{"a{nothing}", NULL, "has \"{nothing}\", which is no placeholder", 0},
};

START_TEST(test_expand)
{
	struct text out = {0};
	struct err err = {""};
	int asked = 0, rc;

	text_add_str(&out, "before ");
	rc = template_expand(&out, span_of(EXPANSIONS[_i].text), lookup, &asked, &err);
	ck_assert_int_eq(rc, EXPANSIONS[_i].want ? 0 : -1);
	ck_assert_int_eq(strncmp(out.data, "before ", 7), 0);
	ck_assert_str_eq(out.data + 7, EXPANSIONS[_i].want ? EXPANSIONS[_i].want : "");
	ck_assert_str_eq(err.text, EXPANSIONS[_i].fault ? EXPANSIONS[_i].fault : "");
	ck_assert_int_eq(asked, EXPANSIONS[_i].asked);
	text_fini(&out);
}
END_TEST

/* The arguments first, the item later: as if it had been done at once. */
static const struct {
	const char *text, *half, *whole;
} STEPS[] = {
	{"{args.0}/{item.id}", "/tmp/x/{item.id}", "/tmp/x/7"},
	{"{args.name}{item}", "a{{b}{item}", "a{b}whole"},
	{"{args.like}", "{{item}", "{item}"},
	{"{{item}{{{item}", "{{item}{{{item}", "{item}{whole"},
	{"", "", ""},
};

START_TEST(test_expand_in_two_steps)
{
	struct text half = {0}, whole = {0};
	struct err err;
	int asked = 0;

	text_reserve(&half, 0);
	text_reserve(&whole, 0);
	ck_assert_int_eq(template_expand_partly(&half, span_of(STEPS[_i].text), TEMPLATE_ITEM,
				 lookup, &asked, &err),
		0);
	ck_assert_str_eq(half.data, STEPS[_i].half);
	ck_assert_int_eq(template_check(half.data, TEMPLATE_ITEM, &err), 0);
	ck_assert_int_eq(template_expand(&whole, text_span(&half), lookup, &asked, &err), 0);
	ck_assert_str_eq(whole.data, STEPS[_i].whole);
	text_fini(&half);
	text_fini(&whole);
}
END_TEST

START_TEST(test_partly_fails_whole)
{
	struct text out = {0};
	struct err err;
	int asked = 0;

	ck_assert_int_eq(template_expand_partly(&out, SPAN_LIT("x{args.0}{args.none}{item}"),
				 TEMPLATE_ITEM, lookup, &asked, &err),
		-1);
	ck_assert_str_eq(err.text, "{args.none}: is missing");
	ck_assert_uint_eq(out.len, 0);
	text_fini(&out);
}
END_TEST

int main(void)
{
	TCase *tc;
	Suite *suite = suite_with("template", &tc);

	tcase_add_loop_test(tc, test_check, 0, COUNT(CHECKS));
	tcase_add_test(tc, test_kinds);
	tcase_add_test(tc, test_long_names);
	tcase_add_loop_test(tc, test_expand, 0, COUNT(EXPANSIONS));
	tcase_add_loop_test(tc, test_expand_in_two_steps, 0, COUNT(STEPS));
	tcase_add_test(tc, test_partly_fails_whole);
	return suite_run(suite);
}
