/*
 * supervisor/process/stream: a real drover-items from its start to its end, as droverd sees it; against
 * a real Redis.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/process.h"
#include "supervisor/process/stream.h"
#include "support/redis_talk.c"
#include "support/suite.h"

static struct event_base *base;
static struct pid_set known;
static struct streams *streams;

/* It is looked for beside the program that starts it: this one. */
static void link_program(void)
{
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(path, sizeof path, "%s/drover-items", self);
	ck_assert(symlink("../drover-items", path) == 0 || access(path, X_OK) == 0);
}

static void set_up(void)
{
	base = event_base_new();
	pid_set_init(&known);
	streams = streams_new(base, &known);
}

static void tear_down(void)
{
	streams_free(streams);
	pid_set_fini(&known);
	event_base_free(base);
}

static struct stream *begin_stream(const char *key, int *theirs)
{
	const struct stream_spec spec = {
		.url = plain_url(), .kind = STREAM_LIST, .key = key, .prefix = ""};
	struct err err;
	struct stream *s = stream_start(streams, &spec, theirs, &err);

	ck_assert_msg(s != NULL, "%s", err.text);
	ck_assert(fcntl(*theirs, F_GETFD) & FD_CLOEXEC);
	ck_assert(pid_set_has(&known, stream_pid(s)));
	return s;
}

static void expect(int fd, const char *question, const char *answer)
{
	char got[256];
	ssize_t n;

	ck_assert_int_eq(write(fd, question, strlen(question)), (ssize_t)strlen(question));
	n = read(fd, got, sizeof got - 1);
	got[n > 0 ? n : 0] = '\0';
	ck_assert_str_eq(got, answer);
}

/* One that was killed before it read what to serve leaves a reset. */
static void expect_end(int fd)
{
	char c;

	ck_assert_int_le(read(fd, &c, 1), 0);
}

static void until_reaped(pid_t pid)
{
	while (pid_set_has(&known, pid))
		ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void push(const char *key)
{
	struct talk t;

	talk_up(&t, plain_url());
	ck_assert_str_eq(ask(&t, "DEL l"), "0");
	ck_assert_str_eq(ask(&t, key), "2");
	talk_end(&t);
}

START_TEST(test_from_start_to_end)
{
	int theirs;
	struct stream *s;
	pid_t pid;

	set_up();
	push("RPUSH l a b");
	s = begin_stream("l", &theirs);
	pid = stream_pid(s);
	expect(theirs, "count\n", "count 2\n");
	expect(theirs, "next 9 \n", "items 2\n1 1\n0a1 1\n1b");
	stream_free(s);
	until_reaped(pid);
	expect_end(theirs);
	close(theirs);
	tear_down();
}
END_TEST

/* The child of the job is gone: so is this, and nobody calls that lost. */
START_TEST(test_ends_with_its_socket)
{
	int theirs;
	struct stream *s;
	pid_t pid;

	set_up();
	s = begin_stream("l", &theirs);
	pid = stream_pid(s);
	close(theirs);
	until_reaped(pid);
	ck_assert_int_eq(stream_pid(s), 0);
	stream_free(s);
	tear_down();
}
END_TEST

START_TEST(test_killed_by_somebody)
{
	struct text scratch = {0};
	int theirs;
	struct stream *s, *other;
	pid_t pid;

	set_up();
	s = begin_stream("l", &theirs);
	close(theirs);
	other = begin_stream("l", &theirs);
	pid = stream_pid(other);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	until_reaped(pid);
	ck_assert_int_eq(stream_pid(other), 0);
	ck_assert(process_is_over(&scratch, pid));
	expect_end(theirs);
	close(theirs);
	stream_free(s);
	stream_free(other);
	text_fini(&scratch);
	tear_down(); /* the first one may not be reaped yet */
}
END_TEST

START_TEST(test_too_long_to_tell)
{
	char *key = malloc(STREAM_SPEC_MAX + 1);
	struct stream_spec spec = {.url = plain_url(), .kind = STREAM_LIST, .key = key};
	struct err err;
	int theirs;

	set_up();
	memset(key, 'k', STREAM_SPEC_MAX);
	key[STREAM_SPEC_MAX] = '\0';
	ck_assert_ptr_null(stream_start(streams, &spec, &theirs, &err));
	ck_assert_int_eq(theirs, -1);
	ck_assert_msg(strstr(err.text, "what to serve"), "%s", err.text);
	free(key);
	tear_down();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stream");
	TCase *tc = make_case(s);

	log_init(LOG_ERROR, LOG_LOGFMT);
	tcase_add_unchecked_fixture(tc, link_program, NULL);
	tcase_add_test(tc, test_from_start_to_end);
	tcase_add_test(tc, test_ends_with_its_socket);
	tcase_add_test(tc, test_killed_by_somebody);
	tcase_add_test(tc, test_too_long_to_tell);
	return run_tests(s);
}
