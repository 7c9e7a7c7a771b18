/* Tests of cli/judge: every setting of a server that can lose jobs is said in words. */
#include <check.h>
#include <string.h>

#include "cli/judge.c"

static struct drover_server sound(void)
{
	return (struct drover_server){.version = "7.0.15",
		.role = "master",
		.appendonly = 1,
		.appendfsync = "always",
		.snapshots = 1,
		.maxmemory_policy = "noeviction",
		.replicas = 0,
		.min_replicas_to_write = 0};
}

/* The one sentence that is not `ok` begins with `words`. */
static void expect(const struct drover_server *s, enum judge_level level, const char *words)
{
	struct judge_findings f = {0};
	size_t n = 0;

	judge_server(&f, s);
	for (size_t i = 0; i < f.n; i++) {
		if (f.items[i].level == JUDGE_OK)
			continue;
		n++;
		ck_assert_int_eq(f.items[i].level, level);
		ck_assert_msg(strncmp(f.items[i].text.data, words, strlen(words)) == 0, "%s",
			f.items[i].text.data);
	}
	ck_assert_uint_eq(n, words ? 1 : 0);
	ck_assert_int_eq(judge_worst(&f), level);
	judge_findings_fini(&f);
}

START_TEST(test_sound)
{
	struct drover_server s = sound();

	expect(&s, JUDGE_OK, NULL);
	memcpy(s.appendfsync, "everysec", 9);
	expect(&s, JUDGE_OK, NULL);
}
END_TEST

START_TEST(test_version)
{
	struct drover_server s = sound();

	memcpy(s.version, "5.0.14", 7);
	expect(&s, JUDGE_ERROR, "Redis 5.0.14 is too old");
	*s.version = '\0';
	expect(&s, JUDGE_WARNING, "the server does not say its version");
}
END_TEST

START_TEST(test_persistence)
{
	struct drover_server s = sound();

	s.appendonly = 0;
	expect(&s, JUDGE_WARNING, "snapshots only");
	s.snapshots = 0;
	expect(&s, JUDGE_WARNING, "no persistence");
	s.appendonly = s.snapshots = -1;
	expect(&s, JUDGE_WARNING, "the server does not tell how it persists");
	s.appendonly = 1;
	memcpy(s.appendfsync, "no", 3);
	expect(&s, JUDGE_WARNING, "appendfsync no");
}
END_TEST

START_TEST(test_eviction)
{
	struct drover_server s = sound();

	memcpy(s.maxmemory_policy, "allkeys-lru", 12);
	expect(&s, JUDGE_WARNING, "maxmemory-policy allkeys-lru: harmless while");
	s.maxmemory = 1 << 20;
	expect(&s, JUDGE_WARNING, "maxmemory-policy allkeys-lru: at ");
	*s.maxmemory_policy = '\0';
	expect(&s, JUDGE_WARNING, "the server does not tell its maxmemory-policy");
}
END_TEST

START_TEST(test_replicas)
{
	struct drover_server s = sound();

	s.replicas = 2;
	expect(&s, JUDGE_WARNING, "2 replicas, but min-replicas-to-write is 0");
	s.min_replicas_to_write = 1;
	expect(&s, JUDGE_OK, NULL);
	memcpy(s.role, "slave", 6);
	expect(&s, JUDGE_ERROR, "this server is a slave");
}
END_TEST

START_TEST(test_clock)
{
	struct drover_server s = sound();

	s.clock_ahead_ms = -60000;
	expect(&s, JUDGE_WARNING, "the clock of Redis is ");
	s.clock_within_ms = 60000;
	expect(&s, JUDGE_OK, NULL);
}
END_TEST

static void expect_lost(long long jobs, long long leases, const char *ids, const char *words)
{
	struct judge_findings f = {0};
	struct judge_lost lost = {.jobs = jobs, .leases = leases};

	text_add_str(&lost.ids, ids);
	judge_lost_jobs(&f, &lost);
	ck_assert_uint_eq(f.n, words ? 1 : 0);
	if (words)
		ck_assert_str_eq(f.items[0].text.data, words);
	ck_assert_int_eq(judge_worst(&f), words ? JUDGE_WARNING : JUDGE_OK);
	text_fini(&lost.ids);
	judge_findings_fini(&f);
}

START_TEST(test_lost_jobs)
{
	expect_lost(0, 0, "", NULL);
	expect_lost(1, 1, "a:1:x",
		"1 job is held by a supervisor that no longer answers, until another takes over: "
		"a:1:x");
	expect_lost(3, 2, "a:1:x, b:2:y",
		"3 jobs are held by supervisors that no longer answer, until another takes over: "
		"a:1:x, b:2:y");
	expect_lost(20, 9, "a, b",
		"20 jobs are held by supervisors that no longer answer, until another takes over: "
		"a, b and 1 more");
}
END_TEST

/* -- one job ------------------------------------------------------------------------------- */

static void expect_durable(const struct drover_durable *d, bool confirmed, const char *words)
{
	struct text said = {0};

	ck_assert_int_eq(judge_durable(d, &said), confirmed);
	ck_assert_msg(strstr(said.data, words) != NULL, "%s", said.data);
	text_fini(&said);
}

START_TEST(test_durable)
{
	struct drover_durable d = {
		.same_connection = true, .appendonly = 1, .disk = 1, .replicas_on_disk = -1};

	expect_durable(&d, true, "it is on the disk of the server; there is no replica");
	d.replicas = 2;
	d.replicas_received = 1;
	expect_durable(&d, false, "1 of 2 replicas received it");
	d.replicas_received = 2;
	d.replicas_on_disk = 1;
	expect_durable(&d, true, "2 of 2 replicas received it, 1 wrote it to disk");
	d.disk = 0;
	expect_durable(&d, true, "has not confirmed it in time");
	d.replicas = 0;
	expect_durable(&d, false, "has not confirmed it in time");
	d.appendonly = 0;
	expect_durable(&d, false, "appendonly no");
	d.appendonly = d.disk = -1;
	d.replicas = -1;
	expect_durable(&d, false, "does not tell whether it writes to a disk; the server does not");
	d.same_connection = false;
	expect_durable(&d, false, "the connection broke");
}
END_TEST

START_TEST(test_everysec)
{
	struct drover_durable d = {.same_connection = true, .appendonly = 1, .disk = -1};

	memcpy(d.appendfsync, "everysec", 9);
	expect_durable(&d, false, "within about a second");
	memcpy(d.appendfsync, "no", 3);
	expect_durable(&d, false, "nobody can say when");
}
END_TEST

START_TEST(test_held)
{
	struct judge_findings f = {0};
	struct drover_stats s = {.supervisors = 1};

	judge_held(&f, &s);
	ck_assert_uint_eq(f.n, 0);
	s.delayed = 2;
	judge_held(&f, &s);
	ck_assert_uint_eq(f.n, 1);
	ck_assert_int_eq(judge_worst(&f), JUDGE_OK);
	s.supervisors = 0;
	judge_held(&f, &s);
	ck_assert_int_eq(judge_worst(&f), JUDGE_WARNING);
	judge_findings_fini(&f);
	s = (struct drover_stats){.supervisors = 1, .paused = true};
	judge_held(&f, &s);
	ck_assert_uint_eq(f.n, 1);
	ck_assert_int_eq(judge_worst(&f), JUDGE_WARNING);
	judge_findings_fini(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli_judge");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_sound);
	tcase_add_test(tc, test_version);
	tcase_add_test(tc, test_persistence);
	tcase_add_test(tc, test_eviction);
	tcase_add_test(tc, test_replicas);
	tcase_add_test(tc, test_clock);
	tcase_add_test(tc, test_lost_jobs);
	tcase_add_test(tc, test_durable);
	tcase_add_test(tc, test_everysec);
	tcase_add_test(tc, test_held);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
