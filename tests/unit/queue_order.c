/*
 * Tests of supervisor/queue_order: the recorded searches of Resque workers, and shares by weight.
 * Run from the root of the repository, or with VECTORS naming the folder.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/fleet/queue_order.h"

#define MOST 16

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

/* A list of JSON strings as one text, "a|b|c". */
static void say_json(json_t *list, struct text *out)
{
	json_t *s;
	size_t i;

	text_clear(out);
	text_reserve(out, 0);
	json_array_foreach(list, i, s)
	{
		text_add_str(out, i > 0 ? "|" : "");
		text_add_str(out, json_string_value(s));
	}
}

static const char *say_next(struct queue_order *q)
{
	static struct text out;
	const struct span *names;
	size_t n;

	queue_order_next(q, &names, &n);
	text_clear(&out);
	text_reserve(&out, 0);
	for (size_t i = 0; i < n; i++) {
		text_add_str(&out, i > 0 ? "|" : "");
		text_add_span(&out, names[i]);
	}
	return out.data;
}

static void know(struct queue_order *q, json_t *set)
{
	struct span names[MOST];
	json_t *s;
	size_t i;

	json_array_foreach(set, i, s) names[i] = span_of(json_string_value(s));
	queue_order_set_known(q, names, json_array_size(set));
}

static struct queue_order *order_of(json_t *spec)
{
	char *list[MOST];
	struct queue_order *q;
	json_t *s;
	size_t i;

	json_array_foreach(spec, i, s) list[i] = strdup(json_string_value(s));
	q = queue_order_new(list, json_array_size(spec), NULL);
	for (i = 0; i < json_array_size(spec); i++)
		free(list[i]);
	return q;
}

START_TEST(test_as_resque_searches)
{
	json_t *all = load_vectors(), *entry;
	struct text want = {0};
	size_t i;

	ck_assert_uint_ge(json_array_size(json_object_get(all, "search")), 14);
	json_array_foreach(json_object_get(all, "search"), i, entry)
	{
		struct queue_order *q = order_of(json_object_get(entry, "spec"));
		json_t *suffix = json_object_get(entry, "worker_id_suffix");

		if (json_object_get(entry, "error")) {
			ck_assert_ptr_null(q);
			continue;
		}
		ck_assert_ptr_nonnull(q);
		know(q, json_object_get(entry, "queues_set"));
		say_json(json_object_get(entry, "search_order"), &want);
		ck_assert_str_eq(say_next(q), want.data);
		if (suffix)
			ck_assert_str_eq(queue_order_id_suffix(q), json_string_value(suffix));
		queue_order_free(q);
	}
	text_fini(&want);
	json_decref(all);
}
END_TEST

static struct queue_order *make(const char *a, const char *b, const int *weights)
{
	char one[64], two[64];
	char *list[] = {one, two};

	snprintf(one, sizeof one, "%s", a);
	snprintf(two, sizeof two, "%s", b ? b : "");
	return queue_order_new(list, b ? 2 : 1, weights);
}

START_TEST(test_static_list_asks_nobody)
{
	struct queue_order *q = make("b", "a", NULL);
	struct span known = SPAN_LIT("c");

	ck_assert(!queue_order_is_dynamic(q));
	ck_assert(!queue_order_set_known(q, &known, 1));
	ck_assert_str_eq(say_next(q), "b|a");
	ck_assert_str_eq(say_next(q), "b|a");
	queue_order_free(q);
}
END_TEST

START_TEST(test_set_known_says_what_is_new)
{
	struct queue_order *q = make("*", "!x*", NULL);
	struct span known[] = {SPAN_LIT("b"), SPAN_LIT("xa"), SPAN_LIT("a"), SPAN_LIT("b")};

	ck_assert(queue_order_is_dynamic(q));
	ck_assert_str_eq(say_next(q), "");
	ck_assert(queue_order_set_known(q, known, 4));
	ck_assert_str_eq(say_next(q), "a|b");
	ck_assert(!queue_order_set_known(
		q, known, 3)); /* xa is excluded, the second b is the first */
	ck_assert(queue_order_set_known(q, known, 1));
	ck_assert_str_eq(say_next(q), "b");
	ck_assert(queue_order_set_known(q, NULL, 0));
	ck_assert_str_eq(say_next(q), "");
	queue_order_free(q);
}
END_TEST

START_TEST(test_names_may_hold_any_bytes)
{
	struct queue_order *q = make("*", NULL, NULL);
	struct span known[] = {{"a\0b", 3}, {"a", 1}, {"\xff", 1}};
	const struct span *names;
	size_t n;

	queue_order_set_known(q, known, 3);
	queue_order_next(q, &names, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(names[0].len, 1);
	ck_assert_uint_eq(names[1].len, 3);
	ck_assert_mem_eq(names[1].at, "a\0b", 3);
	queue_order_free(q);
}
END_TEST

/* How often `name` came first in `turns` turns. */
static int count_first(struct queue_order *q, const char *name, int turns)
{
	const struct span *names;
	size_t n;
	int count = 0;

	for (int i = 0; i < turns; i++) {
		queue_order_next(q, &names, &n);
		count += n > 0 && span_is(names[0], name);
	}
	return count;
}

START_TEST(test_weights_are_shares)
{
	struct queue_order *q = make("urgent", "bulk", (const int[]){5, 1});

	ck_assert_int_eq(count_first(q, "urgent", 600), 500);
	ck_assert_int_eq(count_first(q, "bulk", 600), 100);
	queue_order_free(q);
}
END_TEST

START_TEST(test_weights_are_spread)
{
	struct queue_order *q = make("a", "b", (const int[]){3, 1});

	ck_assert_str_eq(say_next(q), "a|b");
	ck_assert_str_eq(say_next(q), "a|b");
	ck_assert_str_eq(say_next(q), "b|a");
	ck_assert_str_eq(say_next(q), "a|b");
	ck_assert_str_eq(say_next(q), "a|b");
	queue_order_free(q);
}
END_TEST

START_TEST(test_weighted_glob_shares_its_share)
{
	struct queue_order *q = make("mail_*", "low", (const int[]){2, 1});
	struct span known[] = {SPAN_LIT("mail_a"), SPAN_LIT("mail_b"), SPAN_LIT("low")};
	int a = 0, b = 0, low = 0;

	for (int i = 0; i < 300; i++) {
		const struct span *names;
		size_t n;

		queue_order_set_known(
			q, known, 3); /* as at every poll: nobody's turn is lost by it */
		queue_order_next(q, &names, &n);
		ck_assert_uint_eq(n, 3);
		a += span_is(names[0], "mail_a");
		b += span_is(names[0], "mail_b");
		low += span_is(names[0], "low");
	}
	ck_assert_int_eq(a, 100);
	ck_assert_int_eq(b, 100);
	ck_assert_int_eq(low, 100);
	queue_order_free(q);
}
END_TEST

START_TEST(test_weight_without_queue_takes_no_turn)
{
	struct queue_order *q = make("none_*", "low", (const int[]){1000, 1});
	struct span known = SPAN_LIT("low");

	queue_order_set_known(q, &known, 1);
	ck_assert_int_eq(count_first(q, "low", 10), 10);
	queue_order_free(q);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_order");
	TCase *tc = tcase_create("queue_order");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_as_resque_searches);
	tcase_add_test(tc, test_static_list_asks_nobody);
	tcase_add_test(tc, test_set_known_says_what_is_new);
	tcase_add_test(tc, test_names_may_hold_any_bytes);
	tcase_add_test(tc, test_weights_are_shares);
	tcase_add_test(tc, test_weights_are_spread);
	tcase_add_test(tc, test_weighted_glob_shares_its_share);
	tcase_add_test(tc, test_weight_without_queue_takes_no_turn);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
