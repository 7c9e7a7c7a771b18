/* wire/job_line: every line a job may say, and what is none. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "wire/job_line.h"

#define BAD -1

static const struct {
	struct span line;
	int kind; /* BAD: refused, with `text` in the reason */
	const char *text;
	int64_t a, b;
} lines[] = {
	{SPAN_LIT("cursor 12"), JOB_LINE_CURSOR, "12", 0, -1},
	{SPAN_LIT("cursor  a b "), JOB_LINE_CURSOR, " a b ", 0, -1},
	{SPAN_LIT("cursor \xff"), JOB_LINE_CURSOR, "\xff", 0, -1},
	{SPAN_LIT("cursor"), BAD, "no text", 0, 0},
	{SPAN_LIT("cursor "), BAD, "no text", 0, 0},
	{SPAN_LIT("cursor a\0b"), BAD, "NUL", 0, 0},
	{SPAN_LIT("progress 3"), JOB_LINE_PROGRESS, "3", 3, -1},
	{SPAN_LIT("progress 3 10"), JOB_LINE_PROGRESS, "3 10", 3, 10},
	{SPAN_LIT("progress 9223372036854775807 0"), JOB_LINE_PROGRESS, "9223372036854775807 0",
		INT64_MAX, 0},
	{SPAN_LIT("progress 9223372036854775808"), BAD, "not a number", 0, 0},
	{SPAN_LIT("progress -1"), BAD, "not a number", 0, 0},
	{SPAN_LIT("progress 1 "), BAD, "total", 0, 0},
	{SPAN_LIT("progress 1 2 3"), BAD, "total", 0, 0},
	{SPAN_LIT("progress"), BAD, "number is due", 0, 0},
	{SPAN_LIT("note doing well"), JOB_LINE_NOTE, "doing well", 0, -1},
	{SPAN_LIT("note"), JOB_LINE_NOTE, "", 0, -1},
	{SPAN_LIT("result {\"a\": [1]}"), JOB_LINE_RESULT, "{\"a\": [1]}", 0, -1},
	{SPAN_LIT("result 1"), JOB_LINE_RESULT, "1", 0, -1},
	{SPAN_LIT("result"), BAD, "JSON is due", 0, 0},
	{SPAN_LIT("result {"), BAD, "result", 0, 0},
	{SPAN_LIT("error {\"exception\":\"E\"}"), JOB_LINE_ERROR, "{\"exception\":\"E\"}", 0, -1},
	{SPAN_LIT("error [1]"), BAD, "object", 0, 0},
	{SPAN_LIT("error"), BAD, "object", 0, 0},
	{SPAN_LIT("error {"), BAD, "error", 0, 0},
	{SPAN_LIT("delay 30s"), JOB_LINE_DELAY, "30s", 30000, -1},
	{SPAN_LIT("delay 30"), BAD, "duration", 0, 0},
	{SPAN_LIT("delay none"), BAD, "duration", 0, 0},
	{SPAN_LIT("delay 1s\0"), BAD, "duration", 0, 0},
	{SPAN_LIT("delay 00000000000000000000000000000000000001s"), BAD, "duration", 0, 0},
	{SPAN_LIT("done 75"), JOB_LINE_DONE, "75", 75, -1},
	{SPAN_LIT("done 256"), BAD, "status", 0, 0},
	{SPAN_LIT("done"), BAD, "status", 0, 0},
	{SPAN_LIT(""), BAD, "empty", 0, 0},
	{SPAN_LIT(" cursor 1"), BAD, "unknown", 0, 0},
	{SPAN_LIT("Cursor 1"), BAD, "unknown", 0, 0},
	{SPAN_LIT("cursor1"), BAD, "unknown", 0, 0},
	{SPAN_LIT("hello"), BAD, "unknown", 0, 0},
};

START_TEST(each_line)
{
	struct job_line l;
	struct err err = {""};
	int done = job_line_parse(&l, lines[_i].line, &err);

	if (lines[_i].kind == BAD) {
		ck_assert_int_eq(done, -1);
		ck_assert_msg(strstr(err.text, lines[_i].text), "%s", err.text);
		return;
	}
	ck_assert_msg(done == 0, "%s", err.text);
	ck_assert_int_eq(l.kind, lines[_i].kind);
	ck_assert(span_is(l.text, lines[_i].text));
	ck_assert_int_eq(l.total, lines[_i].b);
	ck_assert_int_eq(l.kind == JOB_LINE_DELAY  ? l.delay_ms
			 : l.kind == JOB_LINE_DONE ? l.status
						   : l.done,
		lines[_i].a);
}
END_TEST

static int parse_long(const char *word, size_t len)
{
	struct text t = {0};
	struct job_line l;
	struct err err;
	int done;

	text_add_str(&t, word);
	while (t.len < strlen(word) + len)
		text_add_char(&t, '1');
	done = job_line_parse(&l, (struct span){t.data, t.len}, &err);
	text_fini(&t);
	return done;
}

START_TEST(bounds)
{
	ck_assert_int_eq(parse_long("cursor ", JOB_CURSOR_MAX), 0);
	ck_assert_int_eq(parse_long("cursor ", JOB_CURSOR_MAX + 1), -1);
	ck_assert_int_eq(parse_long("result ", 65536), 0);
	ck_assert_int_eq(parse_long("result ", 65537), -1);
	ck_assert_int_eq(parse_long("note ", JOB_LINE_MAX - 5), 0);
	ck_assert_int_eq(parse_long("note ", JOB_LINE_MAX - 4), -1);
}
END_TEST

START_TEST(what_becomes_of_items)
{
	static const char *const NONE[] = {"item", "item 1", "item x begun 1 t", "item 0 begun 1 t",
		"item 1 frob 1 t", "item 1 begun", "item 1 begun x t"};
	struct job_line l;
	struct err err;

	for (int step = 0; step < JOB_ITEM_STEPS; step++) {
		struct text t = {0};

		text_addf(&t, "item 7 %s 2 a text", job_item_step_name((enum job_item_step)step));
		ck_assert_int_eq(job_line_parse(&l, (struct span){t.data, t.len}, &err), 0);
		ck_assert_int_eq(l.kind, JOB_LINE_ITEM);
		ck_assert_int_eq(l.step, step);
		ck_assert(l.number == 7 && l.tries == 2 && span_is(l.text, "a text"));
		text_fini(&t);
	}
	ck_assert_int_eq(job_line_parse(&l, SPAN_LIT("item 7 done 1"), &err), 0);
	ck_assert_uint_eq(l.text.len, 0);
	for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++)
		ck_assert_int_eq(job_line_parse(&l, span_of(NONE[i]), &err), -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("job_line");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, each_line, 0, sizeof lines / sizeof *lines);
	tcase_add_test(t, bounds);
	tcase_add_test(t, what_becomes_of_items);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
