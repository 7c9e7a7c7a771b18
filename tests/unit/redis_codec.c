/* redis_codec: what bytes become which replies, however they are cut, and what is refused. */
#include "redis/codec.h"

#include <check.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

/* A reply as text: (int) "string" +status -error nil [array] */
static void say(struct text *out, const struct redis_reply *r)
{
	switch (r->type) {
	case REDIS_NIL:
		text_add_str(out, "nil");
		break;
	case REDIS_INTEGER:
		text_addf(out, "%lld", (long long)r->integer);
		break;
	case REDIS_STRING:
		text_add_json(out, r->text);
		break;
	case REDIS_STATUS:
	case REDIS_ERROR:
		text_add_char(out, r->type == REDIS_ERROR ? '-' : '+');
		text_add_span(out, r->text);
		break;
	case REDIS_ARRAY:
		text_add_char(out, '[');
		for (size_t i = 0; i < r->n; i++) {
			text_add_str(out, i ? " " : "");
			say(out, r->items[i]);
		}
		text_add_char(out, ']');
		break;
	}
}

/* Feeds `bytes` in pieces of `step`; replies, one behind the other, or the refusal's words. */
static char *read_all(const char *bytes, size_t len, size_t step)
{
	struct codec *c = codec_new(CODEC_REPLY_MAX);
	struct redis_reply *reply;
	struct text out = {0};
	struct err err;
	int got = 0;

	for (size_t i = 0; i < len && got >= 0; i += step) {
		codec_feed(c, bytes + i, step < len - i ? step : len - i);
		while ((got = codec_next(c, &reply, &err)) > 0) {
			say(&out, reply);
			text_add_char(&out, ';');
			codec_reply_free(reply);
		}
	}
	if (got < 0)
		text_addf(&out, "!%s", err.text);
	codec_free(c);
	text_add_str(&out, "");
	return text_take(&out);
}

static const struct {
	const char *bytes, *said;
} goods[] = {
	{"+OK\r\n", "+OK;"},
	{"-ERR no\r\n", "-ERR no;"},
	{":-42\r\n:0\r\n", "-42;0;"},
	{":9223372036854775807\r\n", "9223372036854775807;"},
	{"$5\r\nhello\r\n$0\r\n\r\n$-1\r\n", "\"hello\";\"\";nil;"},
	{"$4\r\n\r\n\r\n\r\n", "\"\\r\\n\\r\\n\";"},
	{"*0\r\n*-1\r\n", "[];nil;"},
	{"*3\r\n:1\r\n$1\r\na\r\n*2\r\n+x\r\n$-1\r\n", "[1 \"a\" [+x nil]];"},
	{"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n", "[[[[[[[7]]]]]]];"},
	{"*6\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n+next\r\n", "[1 2 3 4 5 6];+next;"},
};

START_TEST(reads_however_it_is_cut)
{
	size_t len = strlen(goods[_i].bytes);

	for (size_t step = 1; step <= len; step++) {
		char *said = read_all(goods[_i].bytes, len, step);

		ck_assert_str_eq(said, goods[_i].said);
		free(said);
	}
}
END_TEST

static const char *const bads[] = {
	"hello\r\n",
	"HTTP/1.1 400 Bad Request\r\n",
	"\r\n",
	"*-2\r\n",
	"$-2\r\n",
	"*99999999999\r\n",
	"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
	"%1\r\n+a\r\n+b\r\n",
	",3.14\r\n",
	"#t\r\n",
};

START_TEST(refuses)
{
	char *said = read_all(bads[_i], strlen(bads[_i]), 3);

	ck_assert_msg(said[0] == '!' && strstr(said, "protocol"), "%s: %s", bads[_i], said);
	free(said);
}
END_TEST

START_TEST(believes_no_length)
{
	static const char claim[] = "*2147483647\r\n*2147483647\r\n:1\r\n$536870911\r\nx";
	char *said = read_all(claim, sizeof(claim) - 1, 1000);

	ck_assert_str_eq(said, ""); /* it waits for more, and holds no room for it */
	free(said);
}
END_TEST

/* Whole items and the one that is still coming count alike; what is done counts no more. */
START_TEST(a_reply_has_an_end)
{
	static const char item[] = "$10\r\n0123456789\r\n";
	struct codec *c = codec_new(4096);
	struct redis_reply *reply;
	struct err err;
	int got = 1;

	for (int i = 0; i < 1000 && got == 1; i++) {
		codec_feed(c, item, sizeof(item) - 1);
		got = codec_next(c, &reply, &err);
		codec_reply_free(reply);
	}
	ck_assert_int_eq(got, 1);
	codec_feed(c, "*1000000\r\n", 10);
	got = codec_next(c, &reply, &err);
	for (int i = 0; i < 1000 && got == 0; i++) {
		codec_feed(c, item, sizeof(item) - 1);
		got = codec_next(c, &reply, &err);
	}
	ck_assert_int_eq(got, -1);
	ck_assert_ptr_nonnull(strstr(err.text, "too large"));
	codec_free(c);
}
END_TEST

START_TEST(a_string_has_an_end)
{
	struct codec *c = codec_new(4096);
	struct redis_reply *reply;
	struct err err;
	int got = 0;

	codec_feed(c, "$5000\r\n", 7);
	for (int i = 0; i < 5000 && got == 0; i++) {
		codec_feed(c, "x", 1);
		got = codec_next(c, &reply, &err);
	}
	ck_assert_int_eq(got, -1);
	ck_assert_ptr_nonnull(strstr(err.text, "too large"));
	codec_free(c);
}
END_TEST

START_TEST(writes)
{
	struct evbuffer *out = evbuffer_new();
	const char want[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n\0\r\n\r\n";

	codec_add_count(out, 3);
	codec_add_word(out, SPAN_LIT("SET"));
	codec_add_word(out, SPAN_LIT("k"));
	codec_add_word(out, (struct span){"\0\r\n", 3});
	ck_assert_uint_eq(evbuffer_get_length(out), sizeof(want) - 1);
	ck_assert_mem_eq(evbuffer_pullup(out, -1), want, sizeof(want) - 1);
	evbuffer_free(out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("redis_codec");
	TCase *tc = tcase_create("resp");
	SRunner *run;
	int failed;

	tcase_add_loop_test(tc, reads_however_it_is_cut, 0, sizeof(goods) / sizeof(goods[0]));
	tcase_add_loop_test(tc, refuses, 0, sizeof(bads) / sizeof(bads[0]));
	tcase_add_test(tc, believes_no_length);
	tcase_add_test(tc, a_reply_has_an_end);
	tcase_add_test(tc, a_string_has_an_end);
	tcase_add_test(tc, writes);
	suite_add_tcase(s, tc);
	run = srunner_create(s);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed != 0;
}
