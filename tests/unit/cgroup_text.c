/* supervisor/cgroup_text: tables of machines, read without the machines. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/process/cgroup_text.h"

#define MOUNT(root, point, options, type) \
	"41 31 0:29 " root " " point " " options " shared:4 - " type " " type " rw,nsdelegate\n"
#define HYBRID_SELF                                                                      \
	"9:name=systemd:/user.slice\n4:memory:/user.slice/x\n1:cpu:/\n0::/system.slice/" \
	"d.service\n"
#define HYBRID_MOUNTS                                                                \
	"23 1 8:1 / / rw,relatime - ext4 /dev/root rw\n"                             \
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"        \
	"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n" \
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
#define USUAL MOUNT("/", "/sys/fs/cgroup", "rw,nosuid", "cgroup2")

static const struct {
	const char *self, *mounts;
	const char *folder; /* or */
	const char *error;
} places[] = {
	/* where it is */
	{"0::/system.slice/d.service\n", USUAL, "/sys/fs/cgroup/system.slice/d.service", NULL},
	{"0::/d\n", "41 31 0:29 / /cg rw - cgroup2 cgroup2 rw\n", "/cg/d", NULL},
	{"0::/d", "41 31 0:29 / /cg rw shared:1 master:2 - cgroup2 none rw", "/cg/d", NULL},
	{HYBRID_SELF, HYBRID_MOUNTS, "/sys/fs/cgroup/unified/system.slice/d.service", NULL},
	{"0::/a b\\c:d\n", USUAL, "/sys/fs/cgroup/a b\\c:d", NULL},
	{"0::/d\n", MOUNT("/", "/my\\040cg\\134x", "rw", "cgroup2"), "/my cg\\x/d", NULL},
	/* a namespace: our root is its root */
	{"0::/\n", USUAL, "/sys/fs/cgroup", NULL},
	{"0::/d\n", MOUNT("/..", "/outside", "rw", "cgroup2") USUAL, "/sys/fs/cgroup/d", NULL},
	{"0::/../other\n", USUAL, NULL, "our cgroup lies outside of our cgroup namespace"},
	/* a part of the tree, shown to a container without a namespace */
	{"0::/docker/1/d\n", MOUNT("/docker/1", "/sys/fs/cgroup", "rw", "cgroup2"),
		"/sys/fs/cgroup/d", NULL},
	{"0::/docker/1\n", MOUNT("/docker/1", "/sys/fs/cgroup", "rw", "cgroup2"), "/sys/fs/cgroup",
		NULL},
	{"0::/a b\n", MOUNT("/a\\040b", "/cg", "rw", "cgroup2"), "/cg", NULL},
	{"0::/docker/12\n", MOUNT("/docker/1", "/sys/fs/cgroup", "rw", "cgroup2"), NULL,
		"no mounted cgroup2 tree shows our cgroup /docker/12"},
	/* several */
	{"0::/d\n", MOUNT("/", "/one", "rw", "cgroup2") MOUNT("/", "/two", "rw", "cgroup2"),
		"/two/d", NULL},
	{"0::/d\n", MOUNT("/", "/one", "rw", "cgroup2") MOUNT("/", "/two", "ro,nosuid", "cgroup2"),
		"/one/d", NULL},
	{"0::/d\n", MOUNT("/", "/one", "ro", "cgroup2") MOUNT("/", "/two", "rw", "cgroup2"),
		"/two/d", NULL},
	{"0::/d\n", MOUNT("/", "/one", "ro", "cgroup2"), "/one/d", NULL},
	/* none */
	{"", USUAL, NULL, "this kernel has no cgroup v2"},
	{"4:memory:/x\n10::/x\n", USUAL, NULL, "this kernel has no cgroup v2"},
	{"0::/gone (deleted)\n", USUAL, NULL, "our cgroup was removed"},
	{"0::/d\n", "", NULL, "no mounted cgroup2 tree shows our cgroup /d"},
	{"0::/d\n", MOUNT("/", "/cg", "rw", "cgroup"), NULL,
		"no mounted cgroup2 tree shows our cgroup /d"},
	{"0::/d\n", "41 31 0:29 / /cg rw -\n41 31 - cgroup2\n\n-\n", NULL,
		"no mounted cgroup2 tree shows our cgroup /d"},
};

START_TEST(our_folder)
{
	struct text folder = {0};
	struct err err = {""};
	int done = cgroup_text_locate(
		span_of(places[_i].self), span_of(places[_i].mounts), &folder, &err);

	ck_assert_int_eq(done, places[_i].folder ? 0 : -1);
	if (places[_i].folder)
		ck_assert_str_eq(folder.data, places[_i].folder);
	else
		ck_assert_str_eq(err.text, places[_i].error);
	text_fini(&folder);
}
END_TEST

/* Every beginning of a table is one, too: nothing is read behind its end. */
START_TEST(cut_anywhere)
{
	for (size_t n = 0; n <= strlen(HYBRID_MOUNTS); n++) {
		char *cut = malloc(n + 1);
		struct text folder = {0};
		struct err err;

		memcpy(cut, HYBRID_MOUNTS, n);
		cgroup_text_locate(SPAN_LIT("0::/d"), (struct span){cut, n}, &folder, &err);
		text_fini(&folder);
		free(cut);
	}
}
END_TEST

static const struct {
	const char *procs;
	enum cgroup_crowd crowd;
} crowds[] = {
	{"", CGROUP_NOBODY},
	{"17\n", CGROUP_US},
	{"17\n17\n", CGROUP_US}, /* the kernel may list a process twice */
	{"18\n", CGROUP_OTHERS},
	{"17\n18\n", CGROUP_OTHERS},
	{"1\n17\n", CGROUP_OTHERS},
	{"0\n", CGROUP_OTHERS}, /* of another pid namespace */
	{"17\n0\n", CGROUP_OTHERS},
	{"170\n", CGROUP_OTHERS},
};

START_TEST(who_is_in_it)
{
	ck_assert_int_eq(cgroup_text_crowd(span_of(crowds[_i].procs), 17), crowds[_i].crowd);
}
END_TEST

START_TEST(values)
{
	struct span events = SPAN_LIT("low 0\noom 2\noom_kill 3\noom_group_kill 1\nodd\n");

	ck_assert_int_eq(cgroup_text_value(events, "low"), 0);
	ck_assert_int_eq(cgroup_text_value(events, "oom"), 2);
	ck_assert_int_eq(cgroup_text_value(events, "oom_kill"), 3);
	ck_assert_int_eq(cgroup_text_value(events, "oom_"), -1);
	ck_assert_int_eq(cgroup_text_value(events, "odd"), -1);
	ck_assert_int_eq(cgroup_text_value(SPAN_LIT(""), "low"), -1);
}
END_TEST

START_TEST(numbers)
{
	ck_assert_int_eq(cgroup_text_number(SPAN_LIT("0\n")), 0);
	ck_assert_int_eq(cgroup_text_number(SPAN_LIT("536870912\n")), 536870912);
	ck_assert_int_eq(cgroup_text_number(SPAN_LIT("9223372036854775807\n")), INT64_MAX);
	ck_assert_int_eq(cgroup_text_number(SPAN_LIT("9223372036854775808\n")), -1);
	ck_assert_int_eq(cgroup_text_number(SPAN_LIT("max\n")), -1);
	ck_assert_int_eq(cgroup_text_number(SPAN_LIT("")), -1);
}
END_TEST

START_TEST(words)
{
	ck_assert(cgroup_text_has_word(SPAN_LIT("cpu memory pids\n"), "memory"));
	ck_assert(cgroup_text_has_word(SPAN_LIT("cpu memory pids\n"), "pids"));
	ck_assert(cgroup_text_has_word(SPAN_LIT("cpu"), "cpu"));
	ck_assert(!cgroup_text_has_word(SPAN_LIT("cpuset memory2\n"), "cpu"));
	ck_assert(!cgroup_text_has_word(SPAN_LIT("cpuset memory2\n"), "memory"));
	ck_assert(!cgroup_text_has_word(SPAN_LIT("\n"), "memory"));
	ck_assert(!cgroup_text_has_word(SPAN_LIT(""), "memory"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cgroup_text");
	TCase *t = tcase_create("cgroup_text");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(t, our_folder, 0, sizeof places / sizeof *places);
	tcase_add_test(t, cut_anywhere);
	tcase_add_loop_test(t, who_is_in_it, 0, sizeof crowds / sizeof *crowds);
	tcase_add_test(t, values);
	tcase_add_test(t, numbers);
	tcase_add_test(t, words);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
