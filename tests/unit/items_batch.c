/* items/batch: an answer of SCAN in order, the names of places in it, and what is passed. */
#include "support/suite.h"

#include <string.h>

#include "items/batch.h"

#define SERVER UINT64_C(0xabc)
#define HEAD   "0000000000000abc "

static struct batch batch;
static struct text name;

static void fill(uint64_t from, uint64_t to, const uint64_t *hashes, const char *names)
{
	batch_begin(&batch, SERVER, from);
	for (size_t i = 0; names[i]; i++)
		batch_add(&batch, hashes[i], (struct span){names + i, 1}, SPAN_LIT(""));
	batch_end(&batch, to);
}

static const char *next_name(void)
{
	batch.next++;
	batch_name(&batch, &name);
	return name.data;
}

static void resume(const char *cursor)
{
	struct batch_cursor c;
	struct err err;

	ck_assert_msg(batch_cursor_parse(&c, span_of(cursor), &err) == 0, "%s", cursor);
	batch.next = 0;
	batch_skip(&batch, &c);
}

static void forget(void)
{
	batch_fini(&batch);
	text_fini(&name);
}

START_TEST(test_in_order_and_once)
{
	fill(7, 9, (const uint64_t[]){5, 1, 5, 3, 1}, "abacb");
	ck_assert_uint_eq(batch.n, 3);
	ck_assert_span_eq(batch.members[0].name, SPAN_LIT("b"));
	ck_assert_span_eq(batch.members[1].name, SPAN_LIT("c"));
	ck_assert_span_eq(batch.members[2].name, SPAN_LIT("a"));
	ck_assert_str_eq(next_name(), HEAD "7 9 0000000000000001");
	ck_assert_str_eq(next_name(), HEAD "7 9 0000000000000003");
	ck_assert_str_eq(next_name(), HEAD "7 9 0000000000000005");
	forget();
}
END_TEST

START_TEST(test_nothing)
{
	fill(0, 0, NULL, "");
	ck_assert_uint_eq(batch.n, 0);
	resume(HEAD "0 0 ffffffffffffffff");
	ck_assert_uint_eq(batch.next, 0);
	forget();
}
END_TEST

/* Where the answer ends elsewhere, nobody knows what of it was given. */
START_TEST(test_what_is_passed)
{
	const uint64_t hashes[] = {1, 3, UINT64_MAX};

	fill(7, 9, hashes, "abc");
	resume(HEAD "7 9 0000000000000001");
	ck_assert_uint_eq(batch.next, 1);
	resume(HEAD "7 9 0000000000000002");
	ck_assert_uint_eq(batch.next, 1);
	resume(HEAD "7 9 ffffffffffffffff");
	ck_assert_uint_eq(batch.next, 3);
	resume(HEAD "7 9 - 1");
	ck_assert_uint_eq(batch.next, 0);
	resume(HEAD "7 8 0000000000000001");
	ck_assert_uint_eq(batch.next, 0);
	resume(HEAD "7 0 0000000000000003");
	ck_assert_uint_eq(batch.next, 0);
	forget();
}
END_TEST

/* A server that was restarted: its cursors are others, unless one answer is all there is. */
START_TEST(test_another_server)
{
	struct batch_cursor c;
	struct err err;

	ck_assert_int_eq(batch_cursor_parse(&c, SPAN_LIT("abd 7 9 0000000000000001"), &err), 0);
	ck_assert_uint_eq(batch_cursor_from(&c, SERVER), 0);
	ck_assert_uint_eq(batch_cursor_from(&c, 0xabd), 7);
	fill(0, 9, (const uint64_t[]){1, 3}, "ab");
	resume("abd 0 9 0000000000000001");
	ck_assert_uint_eq(batch.next, 0);
	resume("abc 0 9 0000000000000001");
	ck_assert_uint_eq(batch.next, 1);
	fill(0, 0, (const uint64_t[]){1, 3}, "ab");
	resume("abd 0 0 0000000000000001");
	ck_assert_uint_eq(batch.next, 1);
	resume("abd 7 0 0000000000000001");
	ck_assert_uint_eq(batch.next, 0);
	forget();
}
END_TEST

/* Members that share a hash: whoever stops between them is given all of them again, and none is left out. */
START_TEST(test_one_hash_for_several)
{
	static const struct {
		const char *cursor;
		size_t next;
	} want[] = {{HEAD "7 9 0000000000000001", 1}, {HEAD "7 9 0000000000000001 1", 1},
		{HEAD "7 9 0000000000000001 2", 1}, {HEAD "7 9 0000000000000004", 4}};
	const uint64_t hashes[] = {1, 4, 4, 4}, same[] = {2, 2};

	fill(7, 9, hashes, "abcd");
	for (size_t i = 0; i < COUNT(want); i++) {
		ck_assert_str_eq(next_name(), want[i].cursor);
		resume(want[i].cursor);
		ck_assert_uint_eq(batch.next, want[i].next);
		batch.next = i + 1;
	}
	fill(7, 9, same, "ab");
	ck_assert_str_eq(next_name(), HEAD "7 9 - 1");
	ck_assert_str_eq(next_name(), HEAD "7 9 0000000000000002");
	forget();
}
END_TEST

START_TEST(test_cursors)
{
	static const struct span bad[] = {SPAN_LIT(""), SPAN_LIT("1 7"), SPAN_LIT("1 7 9"),
		SPAN_LIT("1 7 9 "), SPAN_LIT("1 7 9 -"), SPAN_LIT("1 7 9 g"), SPAN_LIT("1 7 9 1 x"),
		SPAN_LIT("1 -7 9 1"), SPAN_LIT("1  7 9 1"), SPAN_LIT("1 7 9 1 1 1"),
		SPAN_LIT("1 a 9 1"), SPAN_LIT("x 7 9 1"), SPAN_LIT("1 7 9 1\0"),
		SPAN_LIT("1 18446744073709551616 9 1"),
		SPAN_LIT("1 7 9 00000000000000001ffffffffffffffff"),
		SPAN_LIT("0000000000000000000000000000000000000000000000000000000000000000000000"
			 "000000000000000000000000000007 7 9 1")};
	struct batch_cursor c;
	struct err err;

	ck_assert_int_eq(
		batch_cursor_parse(&c,
			SPAN_LIT("ffffffffffffffff 18446744073709551615 9 ffffffffffffffff"), &err),
		0);
	ck_assert_uint_eq(c.from, UINT64_MAX);
	ck_assert_uint_eq(c.hash, UINT64_MAX);
	ck_assert(c.has_hash);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(batch_cursor_parse(&c, bad[i], &err) == -1, "%zu: %s", i, bad[i].at);
}
END_TEST

/* Kept in records of runs: another version must name places alike. */
START_TEST(test_hash_is_for_ever)
{
	ck_assert_uint_eq(batch_hash(SPAN_LIT("")), UINT64_C(0xecba3df2c3383c52));
	ck_assert_uint_eq(batch_hash(SPAN_LIT("a")), UINT64_C(0xed8170de1919a24d));
	ck_assert_uint_eq(batch_hash(SPAN_LIT("a\0")), UINT64_C(0x8827fdcd9c74f21d));
}
END_TEST

int main(void)
{
	TCase *tc;
	Suite *s = suite_with("items_batch", &tc);

	tcase_add_test(tc, test_in_order_and_once);
	tcase_add_test(tc, test_nothing);
	tcase_add_test(tc, test_what_is_passed);
	tcase_add_test(tc, test_another_server);
	tcase_add_test(tc, test_one_hash_for_several);
	tcase_add_test(tc, test_cursors);
	tcase_add_test(tc, test_hash_is_for_ever);
	return suite_run(s);
}
