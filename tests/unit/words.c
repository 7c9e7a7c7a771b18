/* queue/words and queue/keys: the words of a command, and the names of keys. */
#include <stdio.h>
#include <string.h>

#include "queue/keys.h"
#include "queue/words.h"
#include "support/suite.h"

START_TEST(test_words)
{
	struct words w = {0};
	const struct span *spans;

	words_add_str(&w, "HSET");
	words_add(&w, (struct span){"a\0b", 3});
	words_add(&w, (struct span){NULL, 0});
	words_add_int(&w, -42);
	words_add_key(&w, "resque:", KEY_QUEUE, SPAN_LIT("low"));
	words_add_key(&w, "", KEY_FAILED, (struct span){NULL, 0});
	ck_assert_uint_eq(w.n, 6);
	spans = words_spans(&w);
	ck_assert_span_eq(spans[0], SPAN_LIT("HSET"));
	ck_assert_span_eq(spans[1], ((struct span){"a\0b", 3}));
	ck_assert_uint_eq(spans[2].len, 0);
	ck_assert_span_eq(spans[3], SPAN_LIT("-42"));
	ck_assert_span_eq(spans[4], SPAN_LIT("resque:queue:low"));
	ck_assert_span_eq(spans[5], SPAN_LIT("failed"));
	words_fini(&w);
	words_fini(&w);
}
END_TEST

START_TEST(test_many_words_used_again)
{
	struct words w = {0};
	char want[16];

	for (int round = 0; round < 3; round++) {
		words_clear(&w);
		for (int i = 0; i < 1000; i++)
			words_add_int(&w, i);
		ck_assert_uint_eq(w.n, 1000);
		for (int i = 0; i < 1000; i++) {
			snprintf(want, sizeof want, "%d", i);
			ck_assert(span_is(words_spans(&w)[i], want));
		}
	}
	words_fini(&w);
}
END_TEST

START_TEST(test_a_large_word_is_not_kept)
{
	struct words w = {0};
	struct text large = {0};

	text_reserve(&large, 1 << 20);
	memset(large.data, 'x', 1 << 20);
	words_add(&w, (struct span){large.data, 1 << 20});
	ck_assert_uint_eq(words_spans(&w)[0].len, 1 << 20);
	words_clear(&w);
	ck_assert_uint_eq(w.bytes.cap, 0);
	words_add_str(&w, "again");
	ck_assert_span_eq(words_spans(&w)[0], SPAN_LIT("again"));
	words_fini(&w);
	text_fini(&large);
}
END_TEST

START_TEST(test_keys)
{
	char *key = key_make("resque:", KEY_WORKER, SPAN_LIT("host:1:a,b"));

	ck_assert_str_eq(key, "resque:worker:host:1:a,b");
	free(key);
	key = key_make("", KEY_QUEUES, (struct span){NULL, 0});
	ck_assert_str_eq(key, "queues");
	free(key);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("words", &t);

	tcase_add_test(t, test_words);
	tcase_add_test(t, test_many_words_used_again);
	tcase_add_test(t, test_a_large_word_is_not_kept);
	tcase_add_test(t, test_keys);
	return suite_run(s);
}
