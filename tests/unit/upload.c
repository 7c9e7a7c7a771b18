/*
 * queue/upload and libdrover's part of it: where a byte of an uploaded file is, and files that go
 * into a real Redis and come back.
 */
#include "support/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/internal.h"
#include "queue/keys.h"
#include "queue/upload.h"
#include "support/redis_server.c"

#define CHUNK UPLOAD_CHUNK_BYTES

/* -- arithmetic ---------------------------------------------------------------------------------- */

static const struct {
	int64_t bytes, chunk_bytes, offset, length; /* asked */
	int64_t chunk, skip, len;		    /* answered */
} places[] = {
	{0, 10, 0, 5, 0, 0, 0},
	{1, 10, 0, 5, 0, 0, 1},
	{10, 10, 0, 100, 0, 0, 10},
	{10, 10, 10, 1, 1, 0, 0},
	{25, 10, 0, 25, 0, 0, 10},
	{25, 10, 9, 2, 0, 9, 1},
	{25, 10, 10, 3, 1, 0, 3},
	{25, 10, 19, 9, 1, 9, 1},
	{25, 10, 20, 9, 2, 0, 5},
	{25, 10, 24, 9, 2, 4, 1},
	{25, 10, 25, 9, 3, 0, 0},
	{25, 10, INT64_MAX, INT64_MAX, 3, 0, 0},
	{INT64_MAX, CHUNK, INT64_MAX - 1, INT64_MAX, INT64_MAX / CHUNK, CHUNK - 2, 1},
};

START_TEST(test_place_of_a_byte)
{
	struct upload_about a = {.bytes = places[_i].bytes, .chunk_bytes = places[_i].chunk_bytes};
	struct upload_place p;

	a.chunks = upload_chunk_count(a.bytes, a.chunk_bytes);
	p = upload_find(&a, places[_i].offset, places[_i].length);
	ck_assert_int_eq(p.chunk, places[_i].chunk);
	ck_assert_int_eq(p.skip, places[_i].skip);
	ck_assert_int_eq(p.len, places[_i].len);
}
END_TEST

START_TEST(test_ids)
{
	ck_assert(upload_is_id(SPAN_LIT("0123456789abcdef01234567")));
	ck_assert(!upload_is_id(SPAN_LIT("0123456789abcdef0123456")));
	ck_assert(!upload_is_id(SPAN_LIT("0123456789abcdef0123456:")));
	ck_assert(!upload_is_id(SPAN_LIT("0123456789abcdef0123456\0")));
	ck_assert(!upload_is_id(SPAN_LIT("0123456789ABCDEF01234567")));
}
END_TEST

/* -- there and back ------------------------------------------------------------------------------ */

static struct redis_server server;
static struct drover_client *client;
static struct drover_error error;
static char path[128];

static void start_server(void)
{
	redis_server_start(&server, NULL);
	snprintf(path, sizeof path, "%s/file.csv", server.dir);
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

/* Bytes that differ from place to place. */
static char byte_at(int64_t i)
{
	return (char)(i * 31 + i / 257 + i / 65537);
}

static void write_file(int64_t bytes)
{
	FILE *f = fopen(path, "w");

	for (int64_t i = 0; i < bytes; i++)
		fputc(byte_at(i), f);
	ck_assert_int_eq(fclose(f), 0);
}

/* An assertion a byte takes its time. */
static int64_t count_right(const struct text *chunk, int64_t at)
{
	int64_t n = 0;

	while (n < (int64_t)chunk->len && chunk->data[n] == byte_at(at + n))
		n++;
	return n;
}

static int64_t number(const char *command, const char *key)
{
	struct words w = {0};
	int64_t n = 0;
	struct err err;

	words_add_str(&w, command);
	if (key)
		words_add_str(&w, key);
	ck_assert_int_eq(ask_number(client->redis, &w, &n, &err), 0);
	return n;
}

static const char *key_of(const char *id, const char *more)
{
	static char key[128];

	snprintf(key, sizeof key, "resque:%s%s%s", KEY_CSV, id, more);
	return key;
}

static void take_about(const char *id, struct upload_about *a)
{
	struct words w = {0};
	struct err err;
	const struct redis_reply *reply;

	upload_ask_about(&w, client->prefix, span_of(id));
	reply = redis_call(client->redis, &err, w.n, words_spans(&w));
	ck_assert_ptr_nonnull(reply);
	ck_assert_msg(upload_take_about(reply, a, &err) == 0, "%s", err.text);
	words_fini(&w);
}

static int take_chunk(
	const char *id, const struct upload_about *a, int64_t n, struct text *out, struct err *err)
{
	struct words w = {0};
	const struct redis_reply *reply;
	int rc;

	upload_ask_chunk(&w, client->prefix, span_of(id), n);
	reply = redis_call(client->redis, err, w.n, words_spans(&w));
	ck_assert_ptr_nonnull(reply);
	rc = upload_take_chunk(reply, a, n, out, err);
	words_fini(&w);
	return rc;
}

static const int64_t sizes[] = {0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 6 * CHUNK, 6 * CHUNK + 7};

START_TEST(test_there_and_back)
{
	struct drover_upload_request request = {.path = path, .expire_ms = 60000};
	struct drover_upload up;
	struct upload_about a;
	struct text chunk = {0};
	struct err err;
	int64_t at = 0;

	write_file(sizes[_i]);
	ck_assert_msg(drover_upload_file(client, &request, &up, &error) == 0, "%s", error.text);
	ck_assert_int_eq(up.bytes, sizes[_i]);
	take_about(up.id, &a);
	ck_assert_int_eq(a.bytes, sizes[_i]);
	for (int64_t n = 0; n < a.chunks; n++) {
		ck_assert_msg(take_chunk(up.id, &a, n, &chunk, &err) == 0, "%s", err.text);
		at += count_right(&chunk, at);
	}
	ck_assert_int_eq(at, sizes[_i]);
	ck_assert_int_eq(number("DBSIZE", NULL), a.chunks + 1);
	ck_assert_int_gt(number("PTTL", key_of(up.id, "")), 0);
	ck_assert_int_eq(drover_upload_remove(client, up.id, &error), 1);
	ck_assert_int_eq(drover_upload_remove(client, up.id, &error), 0);
	ck_assert_int_eq(number("DBSIZE", NULL), 0);
	text_fini(&chunk);
}
END_TEST

/* What is said of it, and that all of it goes at one time. */
START_TEST(test_what_is_said_of_it)
{
	struct drover_upload_request request = {.path = path, .expire_ms = 60000};
	struct drover_upload up;
	struct texts all = {0};
	struct words w = {0};
	struct err err;
	long long whole_ms;

	write_file(CHUNK + 3);
	ck_assert_int_eq(drover_upload_file(client, &request, &up, &error), 0);
	words_add_str(&w, "HGETALL");
	words_add_str(&w, key_of(up.id, ""));
	ck_assert_int_eq(ask_texts(client->redis, &w, &all, &err), 0);
	ck_assert_span_eq(texts_value(&all, "name"), SPAN_LIT("file.csv"));
	ck_assert_span_eq(texts_value(&all, "chunk_bytes"), SPAN_LIT("262144"));
	ck_assert_span_eq(texts_value(&all, "chunks"), SPAN_LIT("2"));
	ck_assert_uint_eq(texts_value(&all, "sha1").len, 40);
	texts_fini(&all);
	whole_ms = number("PTTL", key_of(up.id, "")); /* first: it runs meanwhile */
	ck_assert_int_le(number("PTTL", key_of(up.id, ":0")), whole_ms);
	ck_assert_int_gt(number("PTTL", key_of(up.id, ":1")), 0);
	ck_assert_int_eq(drover_upload_remove(client, up.id, &error), 1);
}
END_TEST

START_TEST(test_from_a_pipe)
{
	struct drover_upload_request request = {.name = "typed"};
	struct drover_upload up;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "a\nb\n", 4), 4);
	close(ends[1]);
	request.fd = ends[0];
	ck_assert_msg(drover_upload_file(client, &request, &up, &error) == 0, "%s", error.text);
	ck_assert_int_eq(up.bytes, 4);
	ck_assert_int_eq(close(ends[0]), 0);
	ck_assert_int_eq(drover_upload_remove(client, up.id, &error), 1);
}
END_TEST

/* -- what does not work ----------------------------------------------------------------------------- */

static void expect_failure(
	const struct drover_upload_request *request, enum drover_error_kind kind, const char *text)
{
	struct drover_upload up;

	ck_assert_int_eq(drover_upload_file(client, request, &up, &error), -1);
	ck_assert_int_eq(error.kind, kind);
	ck_assert_msg(strstr(error.text, text), "%s", error.text);
	ck_assert_int_eq(number("DBSIZE", NULL), 0);
}

START_TEST(test_too_large)
{
	struct drover_upload_request request = {.path = path, .max_bytes = 5 * CHUNK};
	FILE *f;

	write_file(5 * CHUNK + 1);
	expect_failure(&request, DROVER_E_INVALID, "more than 1310720");
	/* Of a pipe this is known when most of it has been written. */
	f = popen("head -c 1310721 /dev/zero", "r");
	request.path = NULL;
	request.fd = fileno(f);
	expect_failure(&request, DROVER_E_INVALID, "more than 1310720");
	pclose(f);
}
END_TEST

START_TEST(test_no_such_file)
{
	expect_failure(&(struct drover_upload_request){.path = "/nowhere/at/all"}, DROVER_E_INVALID,
		"/nowhere/at/all: No such file");
	expect_failure(&(struct drover_upload_request){.path = server.dir}, DROVER_E_INVALID,
		"is a directory");
	expect_failure(
		&(struct drover_upload_request){.fd = -1}, DROVER_E_INVALID, "no descriptor");
	ck_assert_int_eq(drover_upload_remove(client, "../x", &error), -1);
	ck_assert_int_eq(error.kind, DROVER_E_INVALID);
}
END_TEST

static void set_memory(const char *bytes)
{
	struct err err;

	ck_assert_ptr_nonnull(
		redis_callv(client->redis, &err, "CONFIG", "SET", "maxmemory", bytes, NULL));
}

/* Bytes that do not shrink, into a Redis that is full before their end; what went in goes out. */
START_TEST(test_no_room)
{
	struct drover_upload_request request = {0};
	FILE *f = popen("head -c 16777216 /dev/urandom", "r");

	set_memory("6mb");
	request.fd = fileno(f);
	expect_failure(&request, DROVER_E_REFUSED, "OOM");
	pclose(f);
	set_memory("0");
}
END_TEST

START_TEST(test_gone_and_damaged)
{
	struct drover_upload_request request = {.path = path};
	struct drover_upload up;
	struct upload_about a;
	struct text chunk = {0};
	struct err err;

	write_file(2 * CHUNK);
	ck_assert_int_eq(drover_upload_file(client, &request, &up, &error), 0);
	take_about(up.id, &a);
	ck_assert_int_eq(number("DEL", key_of(up.id, ":1")), 1);
	ck_assert_int_eq(take_chunk(up.id, &a, 1, &chunk, &err), -1);
	ck_assert_str_eq(err.text, UPLOAD_GONE);
	ck_assert_ptr_nonnull(redis_callv(
		client->redis, &err, "SETRANGE", key_of(up.id, ":0"), "20", "damage", NULL));
	ck_assert_int_eq(take_chunk(up.id, &a, 0, &chunk, &err), -1);
	ck_assert_msg(strstr(err.text, "damaged"), "%s", err.text);
	ck_assert_int_eq(drover_upload_remove(client, up.id, &error), 1);
	text_fini(&chunk);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_ids, test_what_is_said_of_it, test_from_a_pipe,
		test_too_large, test_no_such_file, test_no_room, test_gone_and_damaged};
	TCase *tc;
	Suite *s = suite_with("upload", &tc);

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, start_server, stop_server);
	tcase_add_checked_fixture(tc, connect_client, close_client);
	tcase_add_loop_test(tc, test_place_of_a_byte, 0, COUNT(places));
	tcase_add_loop_test(tc, test_there_and_back, 0, COUNT(sizes));
	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tc, tests[i]);
	return suite_run(s);
}
