/*
 * Golden tests of conf: each tests/conf/NAME.yml is loaded; NAME.expect holds its faults to the
 * byte, or NAME.dump its dump, which must load again to the same. Run from the root of the
 * repository. UPDATE=1 writes the expectations anew; read what git says has changed.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "support/suite.h"

static glob_t cases;

/* False where there is no such file. */
static bool read_file(const char *path, struct text *out)
{
	FILE *f = fopen(path, "re");
	size_t n;

	text_clear(out);
	text_reserve(out, 0);
	if (!f)
		return false;
	do {
		text_reserve(out, 4096);
		n = fread(out->data + out->len, 1, 4096, f);
		out->len += n;
		out->data[out->len] = '\0';
	} while (n > 0);
	fclose(f);
	return true;
}

static void write_file(const char *path, const struct text *t)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(t->data, 1, t->len, f), t->len);
	fclose(f);
}

static void compare(const char *name, const char *suffix, const struct text *got)
{
	char path[256];
	struct text want = {0};

	snprintf(path, sizeof path, "%s.%s", name, suffix);
	if (getenv("UPDATE")) {
		write_file(path, got);
		return;
	}
	ck_assert_msg(read_file(path, &want), "%s is missing; got:\n%s", path, got->data);
	ck_assert_msg(strcmp(want.data, got->data) == 0, "%s: want:\n%s\ngot:\n%s", path, want.data,
		got->data);
	text_fini(&want);
}

static void check_loads_again(const char *name, const struct text *dump)
{
	struct text faults = {0}, again = {0};
	struct conf *c = conf_parse("dump", (struct span){dump->data, dump->len}, &faults);

	ck_assert_msg(c != NULL, "the dump of %s is refused: %s", name, faults.data);
	conf_dump(c, &again);
	ck_assert_str_eq(dump->data, again.data);
	conf_unref(c);
	text_fini(&again);
}

/* In the folder of the cases, so that faults name files as the expectation does. */
START_TEST(test_case)
{
	char name[128];
	const char *path = strrchr(cases.gl_pathv[_i], '/') + 1;
	struct text got = {0}, faults = {0};
	struct conf *c;

	ck_assert_int_eq(chdir("tests/conf"), 0);
	snprintf(name, sizeof name, "%.*s", (int)(strlen(path) - strlen(".yml")), path);
	c = conf_load(path, &faults);
	if (strncmp(name, "bad-", 4) == 0) {
		ck_assert_msg(c == NULL, "%s is accepted", path);
		compare(name, "expect", &faults);
	} else {
		ck_assert_msg(c != NULL, "%s is refused: %s", path, faults.data);
		conf_dump(c, &got);
		compare(name, "dump", &got);
		check_loads_again(name, &got);
	}
	conf_unref(c);
	text_fini(&got);
	text_fini(&faults);
}
END_TEST

/* What the dump says between two sections; the whole line of `from` included. */
static char *part_of(const char *dump, const char *from, const char *to)
{
	const char *start = strstr(dump, from);

	return strndup(start, (size_t)(strstr(start, to) - start));
}

static void check_part(const char *a, const char *b, const char *from, const char *to)
{
	char *x = part_of(a, from, to), *y = part_of(b, from, to);

	ck_assert_str_eq(x, y);
	free(x);
	free(y);
}

/* As the example says of itself. */
START_TEST(test_shipped_example_is_the_default)
{
	struct text faults = {0}, example = {0}, builtin = {0};
	struct conf *c = conf_load("etc/drover.yml", &faults), *d = conf_new_default();

	ck_assert_msg(c != NULL, "etc/drover.yml is refused: %s", faults.data);
	conf_dump(c, &example);
	conf_dump(d, &builtin);
	check_part(builtin.data, example.data, "redis:", "\npools:");
	check_part(builtin.data, example.data, "\ndefaults:", "\njobs:");
	conf_unref(c);
	conf_unref(d);
	text_fini(&example);
	text_fini(&builtin);
	text_fini(&faults);
}
END_TEST

/* Every key stands in the example. */
START_TEST(test_shipped_example)
{
	struct text faults = {0}, text = {0}, got = {0};
	struct conf *c = conf_load("etc/drover.yml", &faults);

	ck_assert_msg(c != NULL, "etc/drover.yml is refused: %s", faults.data);
	ck_assert(conf_check_supervisor(c, &faults));
	conf_dump(c, &got);
	check_loads_again("etc/drover.yml", &got);
	ck_assert(read_file("etc/drover.yml", &text));
	for (char *line = strtok(got.data, "\n"); line; line = strtok(NULL, "\n")) {
		char key[64];
		const char *value;

		line += strspn(line, " ");
		value = strchr(line, ':');
		if (!value || !strchr("abcdefghijklmnopqrstuvwxyz", *line))
			continue;
		snprintf(key, sizeof key, "%.*s:", (int)(value - line), line);
		ck_assert_msg(strstr(text.data, key), "etc/drover.yml does not speak of %s", key);
	}
	conf_unref(c);
	text_fini(&got);
	text_fini(&text);
	text_fini(&faults);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf_golden");
	TCase *tc = tcase_create("conf_golden");
	int status;

	unsetenv("DROVER_REDIS_URL");
	if (glob("tests/conf/*.yml", 0, NULL, &cases) != 0) {
		fprintf(stderr, "no tests/conf/*.yml: run from the root of the repository\n");
		return EXIT_FAILURE;
	}
	tcase_add_loop_test(tc, test_case, 0, (int)cases.gl_pathc);
	tcase_add_test(tc, test_shipped_example);
	tcase_add_test(tc, test_shipped_example_is_the_default);
	suite_add_tcase(suite, tc);
	status = suite_run_apart(suite);
	globfree(&cases);
	return status;
}
