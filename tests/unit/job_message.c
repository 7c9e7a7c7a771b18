/* wire/job_message: what is encoded comes out again, and no length is trusted. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "wire/job_message.h"

static char *const argv[] = {(char *)"sh", (char *)"-c", (char *)"", NULL};
static char *const env[] = {(char *)"A=b", (char *)"PATH=/bin", NULL};

static struct job_class_source command_class(void)
{
	return (struct job_class_source){
		.limits = {.open_files = 5, .uid = UINT32_MAX, .handler = JOB_COMMAND, .reuse = 1},
		.lists[JOB_ARGV] = argv,
		.lists[JOB_ENV] = env,
		.directory = "/srv",
	};
}

static struct job_source some_job(void)
{
	return (struct job_source){
		.counts = {.attempt = 3, .interruptions = 2, .recoveries = 1},
		.jid = SPAN_LIT("j"),
		.class_name = SPAN_LIT("C"),
		.queue = SPAN_LIT("q"),
		.origin = SPAN_LIT("retry"),
		.token = SPAN_LIT("p.1.1"),
		.lease = SPAN_LIT("h:1:2"),
		.cursor = SPAN_LIT("42"),
		.args = SPAN_LIT("[1,\"a\0b\"]"),
	};
}

static struct text encoded(const struct job_class_source *c, const struct job_source *j)
{
	struct text part = {0}, out = {0};

	job_message_add_class(&part, c);
	job_message_add(&out, (struct span){part.data, part.len}, j);
	text_fini(&part);
	return out;
}

START_TEST(command_comes_out_again)
{
	struct job_class_source c = command_class();
	struct job_source j = some_job();
	struct text t = encoded(&c, &j);
	struct job_message m;
	struct err err;

	ck_assert_uint_eq(job_message_size(t.data, &err), t.len);
	ck_assert_int_eq(job_message_decode(&m, t.data, t.len, &err), 0);
	ck_assert_uint_eq(m.limits.open_files, 5);
	ck_assert_uint_eq(m.counts.attempt, 3);
	ck_assert_str_eq(job_argv(&m)[0], "sh");
	ck_assert_str_eq(job_argv(&m)[2], "");
	ck_assert_ptr_null(job_argv(&m)[3]);
	ck_assert_str_eq(job_env(&m)[1], "PATH=/bin");
	ck_assert_ptr_null(job_env(&m)[2]);
	ck_assert_str_eq(m.directory, "/srv");
	ck_assert_str_eq(m.jid, "j");
	ck_assert_str_eq(m.class_name, "C");
	ck_assert_str_eq(m.queue, "q");
	ck_assert_str_eq(m.origin, "retry");
	ck_assert_str_eq(m.token, "p.1.1");
	ck_assert_str_eq(m.lease, "h:1:2");
	ck_assert_str_eq(m.cursor, "42");
	ck_assert_ptr_null(m.tick);
	ck_assert_ptr_null(m.function);
	ck_assert_ptr_null(m.user);
	ck_assert_uint_eq(m.args.len, j.args.len);
	ck_assert_mem_eq(m.args.at, j.args.at, j.args.len);
	job_message_fini(&m);
	text_fini(&t);
}
END_TEST

START_TEST(function_without_lists)
{
	struct job_class_source c = {.limits = {.handler = JOB_FUNCTION}, .function = "f"};
	struct job_source j = some_job();
	struct text t;
	struct job_message m;
	struct err err;

	j.args.at = NULL;
	t = encoded(&c, &j);
	ck_assert_int_eq(job_message_decode(&m, t.data, t.len, &err), 0);
	ck_assert_str_eq(m.function, "f");
	ck_assert_ptr_null(job_argv(&m)[0]);
	ck_assert_ptr_null(job_env(&m)[0]);
	ck_assert_uint_eq(m.args.len, 2);
	job_message_fini(&m);
	text_fini(&t);
}
END_TEST

static void refused(const struct text *t, size_t len, const char *why)
{
	struct job_message m;
	struct err err = {""};

	ck_assert_int_eq(job_message_decode(&m, t->data, len, &err), -1);
	ck_assert_msg(strstr(err.text, why), "%s", err.text);
}

START_TEST(what_is_missing_is_named)
{
	struct job_class_source c = command_class();
	struct job_source j = some_job();
	struct text t;

	j.queue.at = NULL;
	t = encoded(&c, &j);
	refused(&t, t.len, "no queue in it");
	text_fini(&t);
	j = some_job();
	c.lists[JOB_ARGV] = NULL;
	t = encoded(&c, &j);
	refused(&t, t.len, "no handler of kind 1");
	text_fini(&t);
	c.limits.handler = JOB_FUNCTION;
	t = encoded(&c, &j);
	refused(&t, t.len, "no handler of kind 2");
	text_fini(&t);
	t = encoded(&c, &j);
	text_clear(&t);
	job_message_add(&t, (struct span){NULL, 0}, &j);
	refused(&t, t.len, "no limits in it");
	text_fini(&t);
}
END_TEST

static int decodes(const char *bytes, size_t len)
{
	struct job_message m;
	struct err err;

	if (job_message_decode(&m, bytes, len, &err) != 0)
		return 0;
	job_message_fini(&m);
	return 1;
}

/*
 * Cut anywhere it is refused. With a head that fits the cut, it is whole only where one of the last
 * four fields, which may be absent, would have begun.
 */
START_TEST(cut_anywhere)
{
	struct job_class_source c = command_class();
	struct job_source j = some_job();
	struct text t = encoded(&c, &j);
	int whole = 0;

	for (size_t len = 0; len < t.len; len++) {
		char *copy = malloc(len + 1); /* of its exact size, for the sanitizer */
		struct job_head head = {JOB_MAGIC, (uint32_t)len};

		memcpy(copy, t.data, len);
		ck_assert_int_eq(decodes(copy, len), 0);
		if (len >= sizeof head) {
			memcpy(copy, &head, sizeof head);
			whole += decodes(copy, len);
		}
		free(copy);
	}
	ck_assert_int_eq(whole, 4);
	text_fini(&t);
}
END_TEST

START_TEST(heads)
{
	struct job_head bad[] = {{0, 100}, {JOB_MAGIC, 0}, {JOB_MAGIC, 7}, {JOB_MAGIC, UINT32_MAX}};
	struct job_head good = {JOB_MAGIC, 1000};
	struct err err;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_uint_eq(job_message_size((const char *)&bad[i], &err), 0);
	ck_assert_uint_eq(job_message_size((const char *)&good, &err), 1000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("job_message");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(t, command_comes_out_again);
	tcase_add_test(t, function_without_lists);
	tcase_add_test(t, what_is_missing_is_named);
	tcase_add_test(t, cut_anywhere);
	tcase_add_test(t, heads);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
