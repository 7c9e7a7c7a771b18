/* cli/try_ledger: what was performed twice, or not at all. */
#include <stdio.h>
#include <string.h>

#include "cli/try/try_ledger.c"
#include "support/suite.h"

static struct try_ledger l;

static void set_up(void)
{
	try_ledger_init(&l);
}

static void tear_down(void)
{
	try_ledger_fini(&l);
}

/* Items by one letter each. */
static void want(const char *items)
{
	for (long long n = 1; *items; items++, n++)
		try_ledger_want(&l, n, (struct span){items, 1});
}

/* A start that performs these: each is begun and done; "!" behind one is a blow that falls in it. */
static void perform(const char *items)
{
	try_ledger_start(&l);
	for (; *items; items++) {
		if (*items == '!') {
			try_ledger_death(&l);
			return;
		}
		try_ledger_item(&l, 1, "begun", (struct span){items, 1});
		if (items[1] != '!')
			try_ledger_item(&l, 1, "done", SPAN_LIT(""));
	}
}

static const struct {
	const char *wanted, *starts[5];
	long long repeated, skipped, cut_off, idle;
} ITEMS[] = {
	{"abcd", {"abcd"}, 0, 0, 0, 0},
	{"abcd", {"ab", "cd"}, 0, 0, 0, 0},
	{"aaaa", {"aa", "aa"}, 0, 0, 0, 0},
	{"aaaa", {"aa", "aaa"}, 1, 0, 0, 0},
	{"abcd", {"ab", "bcd"}, 1, 0, 0, 0},
	{"abcd", {"ab", "d"}, 0, 1, 0, 0},
	{"abcd", {"ab!", "bcd"}, 0, 0, 1, 0},
	{"abcd", {"a!", "a!", "a!", "abcd"}, 0, 0, 3, 3},
	{"abcd", {"ab", "ab", "ab"}, 4, 2, 0, 1},
	{"abcd", {"ab", "ab", "ab", "ab"}, 6, 2, 0, 2},
	{"abcd", {"ab", "ab", "abc", "x"}, 5, 1, 0, 0},
	{"", {""}, 0, 0, 0, 0},
};

START_TEST(test_items)
{
	want(ITEMS[_i].wanted);
	for (size_t i = 0; i < 5 && ITEMS[_i].starts[i]; i++)
		perform(ITEMS[_i].starts[i]);
	ck_assert_int_eq(try_ledger_repeated(&l), ITEMS[_i].repeated);
	ck_assert_int_eq(try_ledger_skipped(&l), ITEMS[_i].skipped);
	ck_assert_int_eq(l.cut_off, ITEMS[_i].cut_off);
	ck_assert_int_eq(l.idle_starts, ITEMS[_i].idle);
}
END_TEST

START_TEST(test_items_that_fail)
{
	want("ab");
	try_ledger_start(&l);
	for (int tries = 0; tries < 3; tries++) {
		try_ledger_item(&l, 1, "begun", SPAN_LIT("a"));
		try_ledger_item(&l, 1, tries < 2 ? "retry" : "malformed", SPAN_LIT("why"));
	}
	try_ledger_item(&l, 1, "aside", SPAN_LIT("a"));
	perform("b");
	ck_assert_int_eq(try_ledger_repeated(&l) + try_ledger_skipped(&l) + l.cut_off, 0);
	ck_assert_int_eq(l.tried_again, 2);
	ck_assert_int_eq(l.malformed, 1);
	ck_assert_int_eq(l.aside, 1);
	ck_assert_int_eq(l.done, 1);
	ck_assert_uint_eq(l.n_failures, 3);
	ck_assert_str_eq(l.failures[2].step, "malformed");
}
END_TEST

/* Cursors with blanks between; "!" in front: told to stop there. */
static void say(const char *cursors)
{
	try_ledger_start(&l);
	while (*cursors) {
		size_t len = strcspn(cursors, ",");
		bool stop = *cursors == '!';

		try_ledger_cursor(&l, (struct span){cursors + stop, len - stop}, stop);
		cursors += len + (cursors[len] == ',');
	}
}

static const struct {
	const char *starts[5];
	long long done, repeated, skipped, backwards, after_stop;
} CURSORS[] = {
	{{"1,2,!3", "4,5"}, 5, 0, 0, 0, 0},
	{{"10 x,20 y,!30 z", "40 a"}, 4, 0, 0, 0, 0},
	{{"1,2,!3", "3,4"}, 4, 1, 0, 0, 0},
	{{"1,2,!3", "1,2,3"}, 3, 3, 0, 2, 0},
	{{"1,2,!3", "6,7"}, 5, 0, 2, 0, 0},
	{{"1,5,!7", "100,101"}, 5, 0, 0, 0, 0}, /* not evenly spaced: nobody knows */
	{{"a,b,!c", "c,d"}, 4, 1, 0, 0, 0},
	{{"1,!2,3,4", "5"}, 5, 0, 0, 0, 2},
	{{"3,2,!1", "0"}, 4, 0, 0, 3, 0},
};

START_TEST(test_cursors)
{
	for (size_t i = 0; i < 5 && CURSORS[_i].starts[i]; i++)
		say(CURSORS[_i].starts[i]);
	ck_assert_int_eq(l.done, CURSORS[_i].done);
	ck_assert_int_eq(try_ledger_repeated(&l), CURSORS[_i].repeated);
	ck_assert_int_eq(try_ledger_skipped(&l), CURSORS[_i].skipped);
	ck_assert_int_eq(l.backwards, CURSORS[_i].backwards);
	ck_assert_int_eq(l.after_stop, CURSORS[_i].after_stop);
}
END_TEST

START_TEST(test_many)
{
	char item[32];

	for (int round = 0; round < 2; round++) {
		try_ledger_start(&l);
		for (int i = 0; i < 5000; i++) {
			struct span text = {
				item, (size_t)snprintf(item, sizeof item, "item %d", i)};

			if (round == 0) {
				try_ledger_want(&l, i + 1, text);
				continue;
			}
			try_ledger_item(&l, i + 1, "begun", text);
			try_ledger_item(&l, i + 1, "done", SPAN_LIT(""));
		}
	}
	ck_assert_uint_eq(l.n, 5000);
	ck_assert_int_eq(l.done, 5000);
	ck_assert_int_eq(try_ledger_repeated(&l) + try_ledger_skipped(&l), 0);
}
END_TEST

int main(void)
{
	TCase *c;
	Suite *s = suite_with("cli_try", &c);

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_loop_test(c, test_items, 0, COUNT(ITEMS));
	tcase_add_test(c, test_items_that_fail);
	tcase_add_loop_test(c, test_cursors, 0, COUNT(CURSORS));
	tcase_add_test(c, test_many);
	return suite_run(s);
}
