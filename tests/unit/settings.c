/* supervisor/settings: what is made of a class once, for all its jobs. */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "supervisor/settings.h"
#include "support/suite.h"
#include "wire/job_message.h"

static struct settings *load(const char *text, struct err *err)
{
	struct text faults = {0};
	struct conf *conf = conf_parse("x.yml", span_of(text), &faults);

	ck_assert_msg(conf != NULL, "%s", faults.data);
	return settings_new(conf, err);
}

static struct settings *load_good(const char *text)
{
	struct err err = {""};
	struct settings *s = load(text, &err);

	ck_assert_msg(s != NULL, "%s", err.text);
	return s;
}

/* The class part as a child reads it, with a job part behind it. `bytes` must outlive `m`. */
static void decode(
	const struct settings *s, const char *name, struct text *bytes, struct job_message *m)
{
	const struct class_settings *class = settings_find(s, span_of(name));
	const struct job_each_source each = {.collection.kind = JOB_RANGE};
	const struct job_source job = {.jid = SPAN_LIT("j"),
		.class_name = span_of(name),
		.queue = SPAN_LIT("q"),
		.origin = SPAN_LIT("enqueued"),
		.token = SPAN_LIT("t"),
		.lease = SPAN_LIT("l"),
		.args = SPAN_LIT("[]"),
		.each = class && class->conf->handler == CONF_HANDLER_EACH ? &each : NULL};
	struct err err = {""};

	ck_assert_ptr_nonnull(class);
	job_message_add(bytes, text_span(&class->part), &job);
	ck_assert_msg(job_message_decode(m, bytes->data, bytes->len, &err) == 0, "%s", err.text);
}

static const struct {
	const char *keys; /* of the class */
	struct job_limits limits;
	enum nursery_kind nursery;
} LIMITS[] = {
	{"command: [x], memory: none, open_files: none, core: none, cpu: none",
		{JOB_NO_LIMIT, JOB_NO_LIMIT, JOB_NO_LIMIT, JOB_NO_LIMIT, UINT32_MAX, UINT32_MAX, 0,
			JOB_COMMAND, 1, 1},
		NURSERY_COMMANDS},
	{"command: [x], memory: 64M, open_files: 99, core: 1K, cpu: 1500ms, nice: 5, "
	 "adopt_orphans: false, address_space: true",
		{99, 1024, 2, 64 << 20, UINT32_MAX, UINT32_MAX, 5, JOB_COMMAND, 0, 1},
		NURSERY_COMMANDS},
	{"command: [x], memory: 64M, open_files: 8, core: 0, cpu: 2s, address_space: false",
		{8, 0, 2, JOB_NO_LIMIT, UINT32_MAX, UINT32_MAX, 0, JOB_COMMAND, 1, 1},
		NURSERY_COMMANDS},
	{"function: f, reuse: 7, memory: 1G, open_files: 10, core: 0, cpu: 10ms, "
	 "address_space: true",
		{10, 0, 1, 1 << 30, UINT32_MAX, UINT32_MAX, 0, JOB_FUNCTION, 1, 7},
		NURSERY_MODULES},
	{"each: {csv: a}, filter: [x], memory: 1G, open_files: 10, core: 0, cpu: 10ms",
		{10, 0, 1, JOB_NO_LIMIT, UINT32_MAX, UINT32_MAX, 0, JOB_EACH, 1, 1},
		NURSERY_COMMANDS},
	{"each: {csv: a}, function: f, memory: 1G, open_files: 10, core: 0, cpu: 10ms",
		{10, 0, 1, 1 << 30, UINT32_MAX, UINT32_MAX, 0, JOB_EACH, 1, 1}, NURSERY_MODULES},
};

START_TEST(test_limits)
{
	char *text = must_printf("jobs: {A: {%s}}\nmodules: [/m.so]\n", LIMITS[_i].keys);
	struct settings *s = load_good(text);
	const struct job_limits *want = &LIMITS[_i].limits;
	struct text bytes = {0};
	struct job_message m;

	decode(s, "A", &bytes, &m);
	ck_assert_uint_eq(m.limits.open_files, want->open_files);
	ck_assert_uint_eq(m.limits.core_bytes, want->core_bytes);
	ck_assert_uint_eq(m.limits.cpu_s, want->cpu_s);
	ck_assert_uint_eq(m.limits.address_space_bytes, want->address_space_bytes);
	ck_assert_uint_eq(m.limits.uid, want->uid);
	ck_assert_uint_eq(m.limits.gid, want->gid);
	ck_assert_int_eq(m.limits.nice, want->nice);
	ck_assert_uint_eq(m.limits.handler, want->handler);
	ck_assert_uint_eq(m.limits.subreaper, want->subreaper);
	ck_assert_uint_eq(m.limits.reuse, want->reuse);
	ck_assert_int_eq(s->classes[0].nursery, LIMITS[_i].nursery);
	job_message_fini(&m);
	text_fini(&bytes);
	settings_unref(s);
	free(text);
}
END_TEST

static bool holds(const char *const *list, const char *entry)
{
	for (; *list; list++)
		if (strcmp(*list, entry) == 0)
			return true;
	return false;
}

START_TEST(test_environment)
{
	struct text bytes = {0};
	struct job_message m;
	struct settings *s;
	size_t n = 0;

	setenv("PASSED", "on=1", 1);
	setenv("BOTH", "from us", 1);
	setenv("NEITHER", "x", 1);
	unsetenv("NOT_SET");
	s = load_good("jobs: {A: {command: [a, \"b c\"], directory: /tmp, pass_env: [PASSED, BOTH, "
		      "NOT_SET], env: {BOTH: of the class, OWN: \"\"}}}\n");
	decode(s, "A", &bytes, &m);
	ck_assert(holds(job_env(&m), "PASSED=on=1"));
	ck_assert(holds(job_env(&m), "BOTH=of the class"));
	ck_assert(holds(job_env(&m), "OWN="));
	while (job_env(&m)[n])
		n++;
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(job_argv(&m)[0], "a");
	ck_assert_str_eq(job_argv(&m)[1], "b c");
	ck_assert_ptr_null(job_argv(&m)[2]);
	ck_assert_str_eq(m.directory, "/tmp");
	ck_assert_ptr_null(m.user);
	job_message_fini(&m);
	text_fini(&bytes);
	settings_unref(s);
}
END_TEST

static const char *const EACH_LISTS[JOB_LISTS] = {[JOB_ARGV] = "argv",
	[JOB_ON_START] = "start",
	[JOB_ON_RESUME] = "resume",
	[JOB_ON_INTERRUPT] = "interrupt",
	[JOB_ON_COMPLETE] = "complete",
	[JOB_THROTTLE] = "throttle"};

static void check_lists(const struct settings *s, const char *name, bool argv, bool hooks)
{
	struct text bytes = {0};
	struct job_message m;

	decode(s, name, &bytes, &m);
	for (int i = 0; i < JOB_LISTS; i++) {
		if (EACH_LISTS[i] && (i == JOB_ARGV ? argv : hooks))
			ck_assert_str_eq(m.lists[i][0], EACH_LISTS[i]);
		else
			ck_assert_ptr_null(m.lists[i][0]);
	}
	ck_assert(!m.function == argv);
	job_message_fini(&m);
	text_fini(&bytes);
}

/* Hooks by defaults are of no use to a job that does not iterate. */
START_TEST(test_lists)
{
	struct settings *s = load_good(
		"defaults: {pass_env: [], on_start: [start], on_resume: [resume], on_interrupt: "
		"[interrupt], on_complete: [complete], throttle: [throttle]}\n"
		"jobs: {A: {each: {csv: a}, filter: [argv]}, B: {command: [argv]},\n"
		"  C: {each: {csv: a}, function: f}}\nmodules: [/m.so]\n");

	check_lists(s, "A", true, true);
	check_lists(s, "B", true, false);
	check_lists(s, "C", false, true);
	settings_unref(s);
}
END_TEST

START_TEST(test_user)
{
	const struct passwd *me = getpwuid(getuid());
	struct text bytes = {0};
	struct job_message m;
	struct settings *s;
	char *text;

	ck_assert_ptr_nonnull(me);
	text = must_printf("jobs: {A: {command: [x], user: %s}}\n", me->pw_name);
	s = load_good(text);
	decode(s, "A", &bytes, &m);
	ck_assert_uint_eq(m.limits.uid, getuid());
	ck_assert_str_eq(m.user, me->pw_name);
	job_message_fini(&m);
	text_fini(&bytes);
	settings_unref(s);
	free(text);
}
END_TEST

START_TEST(test_user_that_is_none)
{
	struct err err = {""};

	ck_assert_ptr_null(
		load("jobs: {A: {command: [x]}, B: {command: [x], user: no-such-user-0}}\n", &err));
	ck_assert_str_eq(err.text, "jobs.B.user: there is no user \"no-such-user-0\" here");
}
END_TEST

START_TEST(test_first_match_wins)
{
	static const struct {
		const char *name;
		int index; /* -1: no entry */
	} rows[] = {
		{"Mail", 0}, {"MailBig", 1}, {"MailX", 1}, {"Other", -1}, {"mail", -1}, {"", -1}};
	struct settings *s =
		load_good("jobs:\n  Mail: {command: [a]}\n  \"Mail*\": {command: [b]}\n"
			  "  MailBig: {command: [c]}\n");

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct class_settings *class = settings_find(s, span_of(rows[i].name));

		if (rows[i].index < 0)
			ck_assert_ptr_null(class);
		else
			ck_assert_ptr_eq(class, &s->classes[rows[i].index]);
	}
	settings_unref(s);
}
END_TEST

START_TEST(test_counted)
{
	struct settings *s = load_good("jobs: {A: {command: [x]}}\n");

	ck_assert_ptr_eq(settings_ref(s), s);
	settings_unref(s);
	ck_assert_ptr_nonnull(settings_find(s, SPAN_LIT("A"))); /* a job still has it */
	settings_unref(s);
	settings_unref(NULL);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("settings", &t);

	tcase_add_loop_test(t, test_limits, 0, COUNT(LIMITS));
	tcase_add_test(t, test_environment);
	tcase_add_test(t, test_lists);
	tcase_add_test(t, test_user);
	tcase_add_test(t, test_user_that_is_none);
	tcase_add_test(t, test_first_match_wins);
	tcase_add_test(t, test_counted);
	return suite_run(s);
}
