/* Tests of conf: what golden files (conf_golden.c) cannot show. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "support/suite.h"

static struct text faults;

static struct conf *parse(const char *text)
{
	struct conf *c;

	text_clear(&faults);
	c = conf_parse("x.yml", span_of(text), &faults);
	ck_assert_msg(c != NULL, "%s", faults.data);
	return c;
}

START_TEST(test_defaults)
{
	struct conf *c = conf_new_default();

	ck_assert_str_eq(c->redis.url, "redis://127.0.0.1:6379/0");
	ck_assert_str_eq(c->redis.prefix, "resque:");
	ck_assert_int_eq(c->redis.connect_timeout_ms, 5000);
	ck_assert_int_eq(c->redis.command_timeout_ms, 5000);
	ck_assert_ptr_null(c->redis.username);
	ck_assert_int_eq(c->supervisor.lease_ms, 15000);
	ck_assert_int_eq(c->supervisor.log_level, LOG_INFO);
	ck_assert_int_eq(c->supervisor.log_format, LOG_LOGFMT);
	ck_assert_int_eq(c->supervisor.max_payload_bytes, 8 << 20);
	ck_assert_ptr_null(c->supervisor.user);
	ck_assert_uint_eq(c->n_pools, 0);
	ck_assert_uint_eq(c->n_classes, 0);
	ck_assert_ptr_nonnull(c->modules);
	ck_assert_ptr_null(c->modules[0]);
	ck_assert_int_eq(c->defaults.timeout_ms, 600000);
	ck_assert_int_eq(c->defaults.memory_bytes, 512 << 20);
	ck_assert_int_eq(c->defaults.cpu_ms, CONF_NONE);
	ck_assert_str_eq(c->defaults.pass_env[3], "TZ");
	ck_assert_ptr_null(c->defaults.pass_env[4]);
	ck_assert(c->defaults.adopt_orphans);
	ck_assert(!c->defaults.at_most_once);
	ck_assert(c->defaults.backoff.full_jitter);
	ck_assert_int_eq(c->defaults.handler, CONF_HANDLER_NONE);
	conf_unref(c);
}
END_TEST

START_TEST(test_references)
{
	struct conf *c = parse("jobs: {A: {command: [x]}}");
	const struct conf_class *class;

	conf_ref(c);
	conf_unref(c);
	class = conf_find_class(c, SPAN_LIT("A"));
	ck_assert_str_eq(class->command[0], "x");
	conf_unref(c);
	conf_unref(NULL);
}
END_TEST

static const char *found(const struct conf *c, struct span name)
{
	const struct conf_class *class = conf_find_class(c, name);

	return class ? class->name : "none";
}

START_TEST(test_find_class)
{
	struct conf *c = parse("jobs:\n"
			       "  Mail::Welcome: {command: [x]}\n"
			       "  Mail::*: {command: [x]}\n"
			       "  Mail::Late: {command: [x]}\n"
			       "  '[AB]?': {command: [x]}\n");

	ck_assert_str_eq(found(c, SPAN_LIT("Mail::Welcome")), "Mail::Welcome");
	ck_assert_str_eq(found(c, SPAN_LIT("Mail::Late")), "Mail::*");
	ck_assert_str_eq(found(c, SPAN_LIT("B1")), "[AB]?");
	ck_assert_str_eq(found(c, SPAN_LIT("C1")), "none");
	ck_assert_str_eq(found(c, SPAN_LIT("")), "none");
	ck_assert_str_eq(found(c, (struct span){"Mail::Welcome\0", 14}), "Mail::*");
	conf_unref(c);
}
END_TEST

START_TEST(test_pools)
{
	struct conf *c = parse("pools:\n"
			       "  a: {queues: [x, '!y*']}\n"
			       "  b: {workers: 3, order: weighted, queues: {u: 5, v: 1}}\n");

	ck_assert_uint_eq(c->n_pools, 2);
	ck_assert_int_eq(c->pools[0].workers, 1);
	ck_assert_ptr_null(c->pools[0].weights);
	ck_assert_str_eq(c->pools[0].queues[1], "!y*");
	ck_assert(c->pools[1].weighted);
	ck_assert_uint_eq(c->pools[1].n_queues, 2);
	ck_assert_int_eq(c->pools[1].weights[0], 5);
	ck_assert_str_eq(c->pools[1].queues[1], "v");
	ck_assert(conf_check_supervisor(c, &faults));
	conf_unref(c);
}
END_TEST

START_TEST(test_schedule)
{
	struct conf *c = parse("schedule:\n"
			       "  a: {cron: '0 3 * * *', class: A}\n"
			       "  b: {class: B, queue: low, args: [1, x], catch_up: all,\n"
			       "      cron: '@daily America/New_York'}\n"
			       "  c: {class: C, cron: '0 3 * * *', timezone: Asia/Tokyo}\n");
	const struct conf_schedule *s = c->schedules;

	ck_assert_uint_eq(c->n_schedules, 3);
	ck_assert_str_eq(s[0].name, "a");
	ck_assert_str_eq(s[0].class_name, "A");
	ck_assert_str_eq(s[0].queue, "default");
	ck_assert_str_eq(s[0].args_json, "[]");
	ck_assert_str_eq(s[0].timezone, "UTC");
	ck_assert_int_eq(s[0].catch_up, CONF_CATCH_UP_NONE);
	ck_assert_int_eq(cron_next(&s[0].cron, s[0].zone, 1767225600), 1767225600 + 3 * 3600);
	ck_assert_str_eq(s[1].queue, "low");
	ck_assert_str_eq(s[1].args_json, "[1, \"x\"]");
	ck_assert_str_eq(s[1].cron_text, "@daily America/New_York");
	ck_assert_str_eq(s[1].timezone, "America/New_York");
	ck_assert_int_eq(s[1].catch_up, CONF_CATCH_UP_ALL);
	ck_assert_int_eq(cron_next(&s[1].cron, s[1].zone, 1767225600), 1767225600 + 5 * 3600);
	ck_assert_int_eq(cron_next(&s[2].cron, s[2].zone, 1767225600), 1767225600 + 18 * 3600);
	conf_unref(c);
}
END_TEST

START_TEST(test_retries)
{
	struct conf *c = parse("defaults: {retries: 3, backoff: {first: 2s}, overlap: queue-one}\n"
			       "jobs:\n"
			       "  A: {command: [x], backoff: {kind: constant, jitter: none}}\n"
			       "  B: {command: [x], retries: 0, max_running: 2, unique: true}\n");
	const struct conf_class *a = &c->classes[0], *b = &c->classes[1];

	ck_assert_int_eq(a->retries, 3);
	ck_assert_int_eq(a->backoff.kind, CONF_BACKOFF_CONSTANT);
	ck_assert_int_eq(a->backoff.first_ms, 2000);
	ck_assert(!a->backoff.full_jitter);
	ck_assert_int_eq(a->overlap, CONF_OVERLAP_QUEUE_ONE);
	ck_assert_int_eq(a->max_running, CONF_NONE);
	ck_assert_int_eq(b->retries, 0);
	ck_assert_int_eq(b->backoff.kind, CONF_BACKOFF_EXPONENTIAL);
	ck_assert_int_eq(b->max_running, 2);
	ck_assert(b->unique);
	conf_unref(c);
}
END_TEST

START_TEST(test_each)
{
	struct conf *c = parse(
		"defaults: {parallel: 2, reuse: 9, then: {class: Z}}\n"
		"jobs:\n"
		"  A: {each: {csv: '{args.0}', separator: tab}, filter: [x, y], rate: 6/m}\n"
		"  B: {each: {range: '9..1', step: -2}, function: f, then: null}\n"
		"  C: {each: {command: [p, '{args.0}'], inner: {lines: '{item}'}}, filter: [x],\n"
		"      parallel: 1}\n"
		"modules: [/m.so]\n");
	const struct conf_class *a = &c->classes[0], *b = a + 1, *d = a + 2;

	ck_assert_int_eq(a->handler, CONF_HANDLER_EACH);
	ck_assert_int_eq(a->each.kind, CONF_EACH_CSV);
	ck_assert_str_eq(a->each.text, "{args.0}");
	ck_assert_int_eq(a->each.separator, '\t');
	ck_assert_str_eq(a->filter[1], "y");
	ck_assert_int_eq(a->reuse, 1);
	ck_assert_int_eq(a->parallel, 2);
	ck_assert_int_eq(a->rate.items, 6);
	ck_assert_int_eq(a->rate.per_ms, 60000);
	ck_assert_str_eq(a->then.class_name, "Z");
	ck_assert_int_eq(b->each.kind, CONF_EACH_RANGE);
	ck_assert_int_eq(b->each.step, -2);
	ck_assert_str_eq(b->function, "f");
	ck_assert_ptr_null(b->filter);
	ck_assert_ptr_null(b->then.class_name);
	ck_assert_int_eq(d->each.kind, CONF_EACH_COMMAND);
	ck_assert_ptr_null(d->each.text);
	ck_assert_str_eq(d->each.command[1], "{args.0}");
	ck_assert_int_eq(d->each.inner->kind, CONF_EACH_LINES);
	ck_assert_str_eq(d->each.inner->text, "{item}");
	ck_assert_ptr_null(d->each.inner->inner);
	conf_unref(c);
}
END_TEST

START_TEST(test_each_in_redis)
{
	struct conf *c = parse("redis: {connect_timeout: 2s, command_timeout: 3s}\n"
			       "jobs:\n"
			       "  A: {each: {redis: {zset: 'k:{args.0}', url: 'redis://other/2',\n"
			       "      username: u}}, filter: [x]}\n");
	const struct conf_each *each = &c->classes[0].each;

	ck_assert_int_eq(each->kind, CONF_EACH_REDIS);
	ck_assert_int_eq(each->members, CONF_MEMBERS_ZSET);
	ck_assert_str_eq(each->text, "k:{args.0}");
	ck_assert_str_eq(each->redis->url, "redis://other/2");
	ck_assert_str_eq(each->redis->username, "u");
	ck_assert_str_eq(each->redis->prefix, "");
	ck_assert_ptr_null(each->redis->password_file);
	ck_assert_int_eq(each->redis->connect_timeout_ms, 2000);
	ck_assert_int_eq(each->redis->command_timeout_ms, 3000);
	conf_unref(c);
}
END_TEST

static const struct {
	struct conf_each each;
	bool want;
} DIVIDED[] = {
	{{.kind = CONF_EACH_RANGE}, true},
	{{.kind = CONF_EACH_LINES}, true},
	{{.kind = CONF_EACH_JSON}, true},
	{{.kind = CONF_EACH_CSV}, true},
	{{.kind = CONF_EACH_COMMAND}, false},
	{{.kind = CONF_EACH_REDIS, .members = CONF_MEMBERS_LIST}, true},
	{{.kind = CONF_EACH_REDIS, .members = CONF_MEMBERS_ZSET}, true},
	{{.kind = CONF_EACH_REDIS, .members = CONF_MEMBERS_SET}, false},
	{{.kind = CONF_EACH_REDIS, .members = CONF_MEMBERS_HASH}, false},
	{{.kind = CONF_EACH_REDIS, .members = CONF_MEMBERS_SCAN}, false},
	{{.kind = CONF_EACH_RANGE, .inner = &(struct conf_each){.kind = CONF_EACH_RANGE}}, false},
	{{.kind = CONF_EACH_NONE}, false},
};

START_TEST(test_can_be_divided)
{
	ck_assert(conf_each_can_be_divided(&DIVIDED[_i].each) == DIVIDED[_i].want);
}
END_TEST

static const struct {
	const char *text;
	int64_t first, last;
	bool valid;
} RANGES[] = {
	{"1..10", 1, 10, true},
	{"0..0", 0, 0, true},
	{"10..1", 10, 1, true},
	{"-5..-3", -5, -3, true},
	{"-999999999999999999..999999999999999999", -INT64_C(999999999999999999),
		INT64_C(999999999999999999), true},
	{"", 0, 0, false},
	{"..", 0, 0, false},
	{"1", 0, 0, false},
	{"1..", 0, 0, false},
	{"..1", 0, 0, false},
	{"1.2", 0, 0, false},
	{"1...2", 0, 0, false},
	{"1..2..3", 0, 0, false},
	{"01..2", 0, 0, false},
	{"1..+2", 0, 0, false},
	{" 1..2", 0, 0, false},
	{"1..2\n", 0, 0, false},
	{"-0..2", 0, 0, false},
	{"a..b", 0, 0, false},
	{"0x1..2", 0, 0, false},
	{"1..1000000000000000000", 0, 0, false},
	{"1..99999999999999999999999999999999", 0, 0, false},
};

START_TEST(test_parse_range)
{
	int64_t first = 0, last = 0;
	struct err err = {""};
	int rc = conf_parse_range(span_of(RANGES[_i].text), &first, &last, &err);

	ck_assert_msg(rc == (RANGES[_i].valid ? 0 : -1), "%s", RANGES[_i].text);
	if (rc == 0) {
		ck_assert_int_eq(first, RANGES[_i].first);
		ck_assert_int_eq(last, RANGES[_i].last);
	} else {
		ck_assert_int_eq(strncmp(err.text, "is no FIRST..LAST", 17), 0);
	}
}
END_TEST

START_TEST(test_range_with_a_nul)
{
	int64_t first, last;
	struct err err;

	ck_assert_int_eq(conf_parse_range(SPAN_LIT("1..2\0"), &first, &last, &err), -1);
	ck_assert_int_eq(conf_parse_range((struct span){0}, &first, &last, &err), -1);
}
END_TEST

START_TEST(test_supervisor_wants_a_pool)
{
	struct conf *c = parse("");

	ck_assert(!conf_check_supervisor(c, &faults));
	ck_assert_ptr_nonnull(strstr(faults.data, "x.yml: pools: is empty, allowed is"));
	conf_unref(c);
}
END_TEST

START_TEST(test_command_timeout_follows_the_lease)
{
	struct conf *c = parse("supervisor: {lease: 6s}");

	ck_assert_int_eq(c->redis.command_timeout_ms, 2000);
	conf_unref(c);
}
END_TEST

START_TEST(test_host_name)
{
	struct conf *c = parse("supervisor: {name: 'a-%h-%%h'}");
	char host[256] = "", want[300];

	gethostname(host, sizeof host - 1);
	snprintf(want, sizeof want, "a-%s-%%h", host);
	ck_assert_str_eq(c->supervisor.name, want);
	conf_unref(c);
}
END_TEST

START_TEST(test_fixed_differences)
{
	struct conf *a = parse("redis: {url: 'redis://:one@a'}");
	struct conf *b = parse("redis: {url: 'redis://:two@a', namespace: x}\n"
			       "supervisor: {state_dir: /x, poll: 2s, lease: 30s}");
	struct text out = {0};

	conf_fixed_differences(a, a, &out);
	ck_assert_uint_eq(out.len, 0);
	conf_fixed_differences(a, b, &out);
	ck_assert_str_eq(out.data, "redis.url, redis.namespace, redis.command_timeout, "
				   "supervisor.lease, supervisor.state_dir");
	text_fini(&out);
	conf_unref(a);
	conf_unref(b);
}
END_TEST

/* -- files -- */

static char folder[] = "/tmp/drover-conf-XXXXXX";

static void make_folder(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void remove_folder(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void put(const char *name, const char *text, size_t len, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

START_TEST(test_environment_wins)
{
	struct conf *c;

	put("x.yml", "redis: {url: redis://file}", 26, 0600);
	setenv("DROVER_REDIS_URL", "redis://env", 1);
	c = conf_load("x.yml", &faults);
	ck_assert_str_eq(c->redis.url, "redis://env");
	conf_unref(c);
	c = conf_new_default();
	ck_assert_str_eq(c->redis.url, "redis://env");
	conf_unref(c);
	setenv("DROVER_REDIS_URL", "http://user:secret@env", 1);
	ck_assert_ptr_null(conf_load("x.yml", &faults));
	ck_assert_str_eq(faults.data, "DROVER_REDIS_URL: url: is no such URL, allowed is "
				      "redis://HOST:PORT/DB, rediss://HOST:PORT/DB, "
				      "unix:///PATH?db=DB or "
				      "redis+sentinel://HOST:PORT,HOST:PORT/NAME/DB\n");
	unlink("x.yml");
}
END_TEST

START_TEST(test_find_file)
{
	unsetenv("DROVER_CONFIG");
	put("drover.yml", "", 0, 0600);
	ck_assert_str_eq(conf_find_file(), "drover.yml");
	setenv("DROVER_CONFIG", "/nowhere.yml", 1);
	ck_assert_str_eq(conf_find_file(), "/nowhere.yml");
	unlink("drover.yml");
}
END_TEST

START_TEST(test_unreadable)
{
	ck_assert_ptr_null(conf_load("nowhere.yml", &faults));
	ck_assert_ptr_null(conf_load("/", &faults));
	ck_assert_str_eq(faults.data, "nowhere.yml: cannot be read: No such file or directory\n"
				      "/: cannot be read: Is a directory\n");
}
END_TEST

START_TEST(test_too_large)
{
	struct text big = {0};

	while (big.len <= 1 << 20)
		text_add_str(&big, "# and so on\n");
	put("x.yml", big.data, big.len, 0600);
	ck_assert_ptr_null(conf_load("x.yml", &faults));
	ck_assert_str_eq(faults.data, "x.yml: is too large, allowed is 1 MiB\n");
	unlink("x.yml");
	text_fini(&big);
}
END_TEST

static const struct {
	const char *text;
	size_t len;
	mode_t mode;
	const char *want; /* NULL: refused */
} PASSWORDS[] = {
	{"secret\n", 7, 0600, "secret"},
	{"secret\r\n", 8, 0400, "secret"},
	{" two words ", 11, 0600, " two words "},
	{"secret\n", 7, 0640, NULL},
	{"secret\n", 7, 0604, NULL},
	{"secret\n", 7, 0620, NULL},
	{"", 0, 0600, NULL},
	{"\n", 1, 0600, NULL},
	{"a\0b", 3, 0600, NULL},
};

START_TEST(test_password)
{
	char *password = NULL;
	struct err err;
	int rc;

	put("pw", PASSWORDS[_i].text, PASSWORDS[_i].len, PASSWORDS[_i].mode);
	rc = conf_read_password("pw", &password, &err);
	unlink("pw");
	if (PASSWORDS[_i].want) {
		ck_assert_msg(rc == 0, "%s", err.text);
		ck_assert_str_eq(password, PASSWORDS[_i].want);
		free(password);
	} else {
		ck_assert_int_eq(rc, -1);
		ck_assert_ptr_nonnull(strstr(err.text, "pw"));
		ck_assert_ptr_null(strstr(err.text, "secret"));
	}
}
END_TEST

START_TEST(test_password_is_a_file)
{
	char *password = NULL;
	struct err err;

	ck_assert_int_eq(conf_read_password("nowhere", &password, &err), -1);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(conf_read_password("fifo", &password, &err), -1);
	unlink("fifo");
}
END_TEST

/* A hostile file must not take the time of its square. */
START_TEST(test_many_keys)
{
	struct text big = {0};

	text_add_str(&big, "redis:\n");
	for (int i = 0; i < 60000; i++)
		text_addf(&big, "  k%d: {\n", i % 30000);
	text_clear(&faults);
	ck_assert_ptr_null(conf_parse("x.yml", (struct span){big.data, big.len}, &faults));
	text_clear(&big);
	text_add_str(&big, "redis:\n");
	for (int i = 0; i < 60000; i++)
		text_addf(&big, "  k%d: 1\n", i % 30000);
	ck_assert_ptr_null(conf_parse("x.yml", (struct span){big.data, big.len}, &faults));
	text_clear(&big);
	for (int i = 0; i < 100000; i++)
		text_add_char(&big, '[');
	ck_assert_ptr_null(conf_parse("x.yml", (struct span){big.data, big.len}, &faults));
	text_fini(&big);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf");
	TCase *memory = tcase_create("memory"), *files = tcase_create("files");

	unsetenv("DROVER_REDIS_URL");
	tcase_add_test(memory, test_defaults);
	tcase_add_test(memory, test_references);
	tcase_add_test(memory, test_find_class);
	tcase_add_test(memory, test_pools);
	tcase_add_test(memory, test_schedule);
	tcase_add_test(memory, test_retries);
	tcase_add_test(memory, test_each);
	tcase_add_test(memory, test_each_in_redis);
	tcase_add_loop_test(memory, test_can_be_divided, 0, sizeof DIVIDED / sizeof *DIVIDED);
	tcase_add_loop_test(memory, test_parse_range, 0, sizeof RANGES / sizeof *RANGES);
	tcase_add_test(memory, test_range_with_a_nul);
	tcase_add_test(memory, test_supervisor_wants_a_pool);
	tcase_add_test(memory, test_command_timeout_follows_the_lease);
	tcase_add_test(memory, test_host_name);
	tcase_add_test(memory, test_fixed_differences);
	tcase_add_test(memory, test_many_keys);
	tcase_add_checked_fixture(files, make_folder, remove_folder);
	tcase_add_test(files, test_environment_wins);
	tcase_add_test(files, test_find_file);
	tcase_add_test(files, test_unreadable);
	tcase_add_test(files, test_too_large);
	tcase_add_loop_test(files, test_password, 0, sizeof PASSWORDS / sizeof *PASSWORDS);
	tcase_add_test(files, test_password_is_a_file);
	suite_add_tcase(suite, memory);
	suite_add_tcase(suite, files);
	return suite_run_apart(suite);
}
