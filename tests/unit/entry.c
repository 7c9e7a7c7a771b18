/* queue/entry: what a lease holds for one job, as fetch.lua writes it. */
#include <string.h>

#include "queue/entry.h"
#include "support/suite.h"

static const struct {
	struct span text;
	bool started;
	int64_t taken_at_ms;
	struct span jid, worker, queue, payload;
} GOOD[] = {
	{SPAN_LIT("taken 1795289183123 0123abc 8 host:1:a 3 low {\"class\":\"A\"}"), false,
		INT64_C(1795289183123), SPAN_LIT("0123abc"), SPAN_LIT("host:1:a"), SPAN_LIT("low"),
		SPAN_LIT("{\"class\":\"A\"}")},
	{SPAN_LIT("started 0 j 1 w 1 q p"), true, 0, SPAN_LIT("j"), SPAN_LIT("w"), SPAN_LIT("q"),
		SPAN_LIT("p")},
	/* names with blanks, with bytes that are no UTF-8, and a payload of any bytes, and of none */
	{SPAN_LIT("taken 1 j 7 a 3 b c 5 x y\0z {\"a\": 1}\n \xff"), false, 1, SPAN_LIT("j"),
		SPAN_LIT("a 3 b c"), SPAN_LIT("x y\0z"), SPAN_LIT("{\"a\": 1}\n \xff")},
	{SPAN_LIT("taken 1 j 1 w 1 q "), false, 1, SPAN_LIT("j"), SPAN_LIT("w"), SPAN_LIT("q"),
		SPAN_LIT("")},
	{SPAN_LIT("taken 1  0  0  p"), false, 1, SPAN_LIT(""), SPAN_LIT(""), SPAN_LIT(""),
		SPAN_LIT("p")},
	{SPAN_LIT("taken 999999999999999999 j 01 w 1 q p"), false, INT64_C(999999999999999999),
		SPAN_LIT("j"), SPAN_LIT("w"), SPAN_LIT("q"), SPAN_LIT("p")},
};

START_TEST(test_good)
{
	struct entry e;
	struct err err = {""};

	ck_assert_msg(entry_read(&e, GOOD[_i].text, &err) == 0, "%s", err.text);
	ck_assert_int_eq(e.started, GOOD[_i].started);
	ck_assert_int_eq(e.taken_at_ms, GOOD[_i].taken_at_ms);
	ck_assert_span_eq(e.jid, GOOD[_i].jid);
	ck_assert_span_eq(e.worker, GOOD[_i].worker);
	ck_assert_span_eq(e.queue, GOOD[_i].queue);
	ck_assert_span_eq(e.payload, GOOD[_i].payload);
}
END_TEST

static const struct span BAD[] = {
	{NULL, 0},
	SPAN_LIT(""),
	SPAN_LIT(" "),
	SPAN_LIT("taken"),
	SPAN_LIT("gone 1 j 1 w 1 q p"),
	SPAN_LIT("Taken 1 j 1 w 1 q p"),
	SPAN_LIT(" 1 j 1 w 1 q p"),
	SPAN_LIT("taken x j 1 w 1 q p"),
	SPAN_LIT("taken -1 j 1 w 1 q p"),
	SPAN_LIT("taken  j 1 w 1 q p"),
	SPAN_LIT("taken 1000000000000000000 j 1 w 1 q p"),
	SPAN_LIT("taken 1 j"),
	SPAN_LIT("taken 1 j 1"),
	SPAN_LIT("taken 1 j 1 w"),
	SPAN_LIT("taken 1 j 1 w "),
	SPAN_LIT("taken 1 j 2 w 1 q p"),
	SPAN_LIT("taken 1 j -1 w 1 q p"),
	SPAN_LIT("taken 1 j 1 w 1 q"), /* no blank behind the queue */
	SPAN_LIT("taken 1 j 1 w 3 q p"),
	SPAN_LIT("taken 1 j 999999999999999999 w 1 q p"),
	SPAN_LIT("taken 1 j 99999999999999999999 w 1 q p"),
};

START_TEST(test_bad)
{
	struct entry e;
	struct err err = {""};

	ck_assert_int_eq(entry_read(&e, BAD[_i], &err), -1);
	ck_assert_str_ne(err.text, "");
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("entry", &t);

	tcase_add_loop_test(t, test_good, 0, COUNT(GOOD));
	tcase_add_loop_test(t, test_bad, 0, COUNT(BAD));
	return suite_run(s);
}
