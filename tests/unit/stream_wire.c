/* wire/stream, wire/stream_spec: every question, what is none, and what is to be served. */
#include "support/suite.h"

#include <string.h>

#include "wire/stream.h"
#include "wire/stream_spec.h"

#define BAD -1

static const struct {
	struct span line;
	int kind; /* BAD: refused, with `text` in the reason */
	const char *text;
	int64_t a, b;
} questions[] = {
	{SPAN_LIT("read 0 1"), STREAM_READ, "", 0, 1},
	{SPAN_LIT("read 9223372036854775807 262144"), STREAM_READ, "", INT64_MAX, 262144},
	{SPAN_LIT("read 0 0"), BAD, "1 to", 0, 0},
	{SPAN_LIT("read 0 262145"), BAD, "1 to", 0, 0},
	{SPAN_LIT("read 0"), BAD, "are due", 0, 0},
	{SPAN_LIT("read -1 1"), BAD, "are due", 0, 0},
	{SPAN_LIT("read 9223372036854775808 1"), BAD, "are due", 0, 0},
	{SPAN_LIT("read 0 1 "), BAD, "are due", 0, 0},
	{SPAN_LIT("size"), STREAM_SIZE, "", 0, 0},
	{SPAN_LIT("size 1"), BAD, "nothing", 0, 0},
	{SPAN_LIT("count"), STREAM_COUNT, "", 0, 0},
	{SPAN_LIT("next 1 "), STREAM_NEXT, "", 1, 0},
	{SPAN_LIT("next 1"), STREAM_NEXT, "", 1, 0},
	{SPAN_LIT("next 1000 0 9  a"), STREAM_NEXT, "0 9  a", 1000, 0},
	{SPAN_LIT("next 0 "), BAD, "1 to", 0, 0},
	{SPAN_LIT("next 1001 "), BAD, "1 to", 0, 0},
	{SPAN_LIT("next"), BAD, "are due", 0, 0},
	{SPAN_LIT("next x y"), BAD, "are due", 0, 0},
	{SPAN_LIT(""), BAD, "no such", 0, 0},
	{SPAN_LIT("Size"), BAD, "no such", 0, 0},
	{SPAN_LIT("size\0"), BAD, "no such", 0, 0},
};

START_TEST(test_each_question)
{
	struct stream_question q;
	struct err err = {""};
	int rc = stream_question_parse(&q, questions[_i].line, &err);

	if (questions[_i].kind == BAD) {
		ck_assert_int_eq(rc, -1);
		ck_assert_msg(strstr(err.text, questions[_i].text), "%s", err.text);
		return;
	}
	ck_assert_msg(rc == 0, "%s", err.text);
	ck_assert_int_eq((int)q.kind, questions[_i].kind);
	ck_assert_int_eq(q.kind == STREAM_READ ? q.offset : q.count, questions[_i].a);
	ck_assert_int_eq(q.length, questions[_i].b);
	ck_assert_span_eq(q.cursor, span_of(questions[_i].text));
}
END_TEST

static struct span bytes_of(const struct text *t)
{
	return (struct span){t->data, t->len};
}

START_TEST(test_spec_there_and_back)
{
	const struct stream_spec spec = {.url = "unix:///x?db=0",
		.password = "p=\xff\n\"\\",
		.server_name = "",
		.command_timeout_ms = 7,
		.prefix = "resque:",
		.kind = STREAM_HASH,
		.key = "a=b"};
	struct stream_spec back;
	struct text bytes = {0};
	struct err err;

	stream_spec_add(&bytes, &spec);
	for (size_t i = 0; i < bytes.len; i++)
		ck_assert_uint_eq(stream_spec_size((struct span){bytes.data, i}), 0);
	text_add_str(&bytes, "next 1 ");
	ck_assert_uint_eq(stream_spec_size(bytes_of(&bytes)), bytes.len - 7);
	bytes.len -= 7;
	ck_assert_msg(stream_spec_parse(&back, bytes_of(&bytes), &err) == 0, "%s", err.text);
	ck_assert_str_eq(back.url, spec.url);
	ck_assert_ptr_null(back.username);
	ck_assert_str_eq(back.password, spec.password);
	ck_assert_str_eq(back.server_name, "");
	ck_assert_int_eq(back.connect_timeout_ms, 0);
	ck_assert_int_eq(back.command_timeout_ms, 7);
	ck_assert_str_eq(back.prefix, "resque:");
	ck_assert_int_eq(back.kind, STREAM_HASH);
	ck_assert_str_eq(back.key, "a=b");
	text_fini(&bytes);
}
END_TEST

START_TEST(test_spec_that_makes_no_sense)
{
	static const struct span bad[] = {SPAN_LIT("\0"), SPAN_LIT("url=x\0key=y\0\0"),
		SPAN_LIT("url=x\0kind=list\0\0"), SPAN_LIT("key=x\0kind=list\0\0"),
		SPAN_LIT("url=x\0key=y\0kind=tree\0\0"), SPAN_LIT("url=x\0key=y\0kind\0\0"),
		SPAN_LIT("url=x\0key=y\0kind=set\0more=1\0\0"),
		SPAN_LIT("url=x\0key=y\0kind=set\0command_timeout_ms=0\0\0"),
		SPAN_LIT("url=x\0key=y\0kind=set\0command_timeout_ms=1s\0\0")};
	struct stream_spec spec;
	struct err err;

	for (size_t i = 0; i < COUNT(bad); i++) {
		ck_assert_uint_eq(stream_spec_size(bad[i]), bad[i].len);
		ck_assert_msg(stream_spec_parse(&spec, bad[i], &err) == -1, "%zu", i);
	}
}
END_TEST

int main(void)
{
	TCase *tc;
	Suite *s = suite_with("stream_wire", &tc);

	tcase_add_loop_test(tc, test_each_question, 0, COUNT(questions));
	tcase_add_test(tc, test_spec_there_and_back);
	tcase_add_test(tc, test_spec_that_makes_no_sense);
	return suite_run(s);
}
