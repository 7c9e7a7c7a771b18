/*
 * libdrover as a C program uses it: jobs for later, request ids, cancel, what is told of one job.
 * Against a real Redis.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drover/client.h"
#include "support/redis_server.c"

static struct redis_server server;
static struct drover_client *client;
static struct drover_error error;

static void start_server(void)
{
	redis_server_start(&server, NULL);
}

static void stop_server(void)
{
	redis_server_stop(&server);
}

static void connect_client(void)
{
	char url[160];

	snprintf(url, sizeof url, "unix://%s?db=0", server.socket);
	client = drover_client_open(&(struct drover_options){.url = url}, &error);
	ck_assert_msg(client != NULL, "%s", error.text);
}

static void close_client(void)
{
	drover_client_close(client);
}

static struct drover_enqueued enqueue(const struct drover_request *request)
{
	struct drover_enqueued answer;

	ck_assert_msg(drover_enqueue(client, request, &answer, &error) == 0, "%s", error.text);
	return answer;
}

/* What a callback saw, copied. */
struct seen {
	int n;
	char state[32], place[32], audit[512], id[DROVER_JID_SIZE];
	long long position, next_at_ms;
};

static void copy(char *to, size_t size, struct drover_text from)
{
	snprintf(to, size, "%.*s", (int)from.len, from.at);
}

static void see_job(void *ctx, const struct drover_job_info *job)
{
	struct seen *s = ctx;

	s->n++;
	copy(s->state, sizeof s->state, job->state);
	copy(s->place, sizeof s->place, job->place);
	copy(s->audit, sizeof s->audit, job->audit);
	s->position = job->position;
	s->next_at_ms = job->next_at_ms;
}

static void see_delayed(void *ctx, const struct drover_delayed_info *delayed)
{
	struct seen *s = ctx;

	s->n++;
	copy(s->id, sizeof s->id, delayed->id);
	s->next_at_ms = delayed->at_ms;
}

static struct seen find(const char *jid)
{
	struct seen seen = {0};

	ck_assert_msg(drover_job_find(client, jid, see_job, &seen, &error) == 0, "%s", error.text);
	ck_assert_int_eq(seen.n, 1);
	return seen;
}

START_TEST(test_now)
{
	struct drover_enqueued first =
		enqueue(&(struct drover_request){.queue = "now", .class_name = "A"});
	struct drover_enqueued second =
		enqueue(&(struct drover_request){.queue = "now", .class_name = "A"});
	struct seen seen;

	ck_assert_int_eq(first.how, DROVER_ENQUEUED);
	ck_assert_str_eq(first.state, "queued");
	ck_assert_int_eq(first.at_ms, DROVER_UNKNOWN);
	ck_assert_str_ne(first.jid, second.jid);
	seen = find(second.jid);
	ck_assert_str_eq(seen.place, "queue");
	ck_assert_int_eq(seen.position, 1);
	ck_assert_str_eq(seen.audit, "");
}
END_TEST

START_TEST(test_later)
{
	struct drover_enqueued answer = enqueue(&(struct drover_request){
		.queue = "later", .class_name = "A", .at_ms = 4102444800123, .track = true});
	struct drover_cancel cancel;
	struct seen seen = find(answer.jid), listed = {0};

	ck_assert_int_eq(answer.at_ms, 4102444800123);
	ck_assert_str_eq(seen.state, "delayed");
	ck_assert_int_eq(seen.next_at_ms, 4102444800123);
	ck_assert(strstr(seen.audit, "\"what\":\"enqueued\"") != NULL);
	ck_assert_int_eq(drover_delayed_each(client, 10, see_delayed, &listed, &error), 0);
	ck_assert_int_eq(listed.n, 1);
	ck_assert_str_eq(listed.id, answer.jid);
	ck_assert_int_eq(drover_job_cancel(client, answer.jid, NULL, &cancel, &error), 0);
	ck_assert_int_eq(cancel.how, DROVER_CANCELLED);
	ck_assert_str_eq(cancel.state, "delayed");
	seen = find(answer.jid);
	ck_assert_str_eq(seen.state, "cancelled");
	ck_assert_str_eq(seen.place, "");
	ck_assert_int_eq(drover_job_cancel(client, answer.jid, NULL, &cancel, &error), 0);
	ck_assert_int_eq(cancel.how, DROVER_CANCEL_ENDED);
	ck_assert_int_eq(drover_delayed_remove(client, answer.jid, &error), -1);
	ck_assert_int_eq(error.kind, DROVER_E_NOT_FOUND);
}
END_TEST

START_TEST(test_times_that_make_no_sense)
{
	static const struct drover_request requests[] = {{.in_ms = 1, .at_ms = 1}, {.in_ms = -1},
		{.at_ms = -1}, {.at_ms = 1LL << 60}, {.tick_ms = 1, .in_ms = 1}, {.id = ""}};

	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		struct drover_request request = requests[i];
		struct drover_enqueued answer;

		request.queue = "q";
		request.class_name = "A";
		ck_assert_int_eq(drover_enqueue(client, &request, &answer, &error), -1);
		ck_assert_int_eq(error.kind, DROVER_E_INVALID);
	}
}
END_TEST

START_TEST(test_request_id)
{
	struct drover_request request = {
		.queue = "q", .class_name = "A", .args = "[1]", .id = "order 7"};
	struct drover_enqueued first = enqueue(&request), again = enqueue(&request);

	ck_assert_int_eq(first.how, DROVER_ENQUEUED);
	ck_assert_int_eq(again.how, DROVER_SAME_REQUEST);
	ck_assert_str_eq(again.jid, first.jid);
	ck_assert_str_eq(again.state, "queued");
	request.args = "[2]";
	ck_assert_int_eq(drover_enqueue(client, &request, &again, &error), -1);
	ck_assert_int_eq(error.kind, DROVER_E_REFUSED);
}
END_TEST

START_TEST(test_unique)
{
	struct drover_request request = {.queue = "q", .class_name = "Only", .unique = true};
	struct drover_enqueued first = enqueue(&request), again = enqueue(&request);
	struct drover_cancel cancel;

	ck_assert_int_eq(again.how, DROVER_DUPLICATE);
	ck_assert_str_eq(again.jid, first.jid);
	ck_assert_int_eq(drover_job_cancel(client, first.jid, NULL, &cancel, &error), 0);
	ck_assert_int_eq(enqueue(&request).how, DROVER_ENQUEUED);
}
END_TEST

START_TEST(test_durable)
{
	struct drover_enqueued answer =
		enqueue(&(struct drover_request){.queue = "q", .class_name = "A", .durable = true});

	ck_assert(answer.durable.asked);
	ck_assert(answer.durable.same_connection);
	ck_assert_int_eq(answer.durable.replicas, 0);
	ck_assert_int_eq(answer.durable.disk, 0);
}
END_TEST

START_TEST(test_nobody_knows_it)
{
	struct drover_cancel cancel;
	long long last_ms = 0;

	ck_assert_int_eq(drover_job_cancel(client, "nobody", NULL, &cancel, &error), -1);
	ck_assert_int_eq(error.kind, DROVER_E_NOT_FOUND);
	ck_assert_int_eq(drover_schedule_last(client, "nobody", &last_ms, &error), 0);
	ck_assert_int_eq(last_ms, DROVER_UNKNOWN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli_client");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_unchecked_fixture(tc, start_server, stop_server);
	tcase_add_checked_fixture(tc, connect_client, close_client);
	tcase_add_test(tc, test_now);
	tcase_add_test(tc, test_later);
	tcase_add_test(tc, test_times_that_make_no_sense);
	tcase_add_test(tc, test_request_id);
	tcase_add_test(tc, test_unique);
	tcase_add_test(tc, test_durable);
	tcase_add_test(tc, test_nobody_knows_it);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
