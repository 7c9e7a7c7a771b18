/* supervisor/state_dir and estate's decision: folders, whose they are, and what may be done there. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/state/estate.h"
#include "supervisor/state/state_dir.h"
#include "support/suite.h"

static char path[] = "/tmp/drover-state-XXXXXX";
static struct state_about self;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(path));
	state_about_self(&self, "web:12:abcd", "redis://h/0 resque:");
}

static void tear_down(void)
{
	state_about_fini(&self);
	ck_assert_int_eq(rmdir(path), 0);
	memcpy(path + sizeof path - 7, "XXXXXX", 6);
}

static struct state_folder *make(void)
{
	struct err err;
	struct state_folder *f = state_dir_make(path, &self, &err);

	ck_assert_msg(f != NULL, "%s", err.text);
	return f;
}

static int take(struct state_folder **f)
{
	struct err err;

	return state_dir_take(path, "web:12:abcd", f, &err);
}

START_TEST(test_a_folder_has_one_owner)
{
	struct state_folder *mine = make(), *other = NULL;
	struct state_about about;
	struct err err;

	ck_assert_int_eq(take(&other), 0);
	state_folder_keep(mine);
	ck_assert_int_eq(take(&other), 1);
	ck_assert_int_eq(state_folder_about(other, &about, &err), 0);
	ck_assert_str_eq(about.lease, "web:12:abcd");
	ck_assert_int_eq(about.pid, getpid());
	ck_assert_int_eq(about.start_boot_ms, self.start_boot_ms);
	state_about_fini(&about);
	ck_assert_int_eq(take(&mine), 0);
	state_folder_remove(other);
	ck_assert_int_eq(take(&mine), 0);
}
END_TEST

/* The lock goes with the process, however it ends; it is not handed down over exec. */
START_TEST(test_a_dead_owner_has_none)
{
	struct state_folder *f = NULL;
	pid_t pid = fork();

	if (pid == 0) {
		make();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(take(&f), 1);
	ck_assert_int_ne(fcntl(f->lock_fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(f->fd, F_GETFD) & FD_CLOEXEC, 0);
	state_folder_remove(f);
}
END_TEST

/* What others can write would have us end processes of their choice. */
START_TEST(test_others_cannot_forge_one)
{
	struct state_folder *f = make();
	char folder[64];
	struct err err;

	snprintf(folder, sizeof folder, "%s/web:12:abcd", path);
	ck_assert_int_eq(fchmod(f->fd, 0770), 0);
	state_folder_keep(f);
	ck_assert_int_eq(state_dir_take(path, "web:12:abcd", &f, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "another user"));
	ck_assert_int_eq(chmod(folder, 0700), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(folder, 1, -1), 0);
		ck_assert_int_eq(take(&f), -1);
		ck_assert_int_eq(chown(folder, 0, -1), 0);
	}
	ck_assert_int_eq(take(&f), 1);
	state_folder_remove(f);
}
END_TEST

START_TEST(test_only_plain_files_are_read)
{
	struct state_folder *f = make();
	struct state_about about;
	struct err err;

	ck_assert_int_eq(unlinkat(f->fd, "about", 0), 0);
	ck_assert_int_eq(mkfifoat(f->fd, "about", 0600), 0);
	ck_assert_int_eq(state_folder_about(f, &about, &err), -1); /* and does not wait */
	ck_assert_int_eq(unlinkat(f->fd, "about", 0), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", f->fd, "about"), 0);
	ck_assert_int_eq(state_folder_about(f, &about, &err), -1);
	state_folder_remove(f);
}
END_TEST

static void count(void *ctx, const char *name)
{
	ck_assert_str_eq(name, "web:12:abcd");
	*(int *)ctx += 1;
}

START_TEST(test_others_are_no_folders_of_ours)
{
	struct state_folder *f = make(), *other = NULL;
	struct err err;
	char file[64], plain[64];
	int n = 0;

	snprintf(file, sizeof file, "%s/.new-1", path);
	snprintf(plain, sizeof plain, "%s/a-file", path);
	ck_assert_int_eq(mkdir(file, 0700), 0);
	close(open(plain, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ck_assert_int_eq(state_dir_each(path, count, &n, &err), 0);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(state_dir_take(path, "a-file", &other, &err), 0);
	state_dir_sweep(path); /* it is young: somebody is making it */
	ck_assert_int_eq(access(file, F_OK), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, file, (struct timespec[2]){{1, 0}, {1, 0}}, 0), 0);
	state_dir_sweep(path);
	ck_assert_int_ne(access(file, F_OK), 0);
	unlink(plain);
	state_folder_remove(f);
	ck_assert_int_eq(state_dir_each("/nowhere/at/all", count, &n, &err), -1);
}
END_TEST

START_TEST(test_it_cannot_be_had)
{
	struct state_folder *f = make();
	struct err err;

	ck_assert_ptr_null(state_dir_make(path, &self, &err)); /* there is one of that name */
	ck_assert_ptr_null(state_dir_make("/nowhere/at/all", &self, &err));
	state_folder_remove(f); /* and nothing is left: tear_down removes the folder */
}
END_TEST

START_TEST(test_names)
{
	char lease[601], *name;

	name = state_dir_name("a/b c%d:7:f00");
	ck_assert_str_eq(name, "a%2Fb%20c%25d:7:f00");
	free(name);
	name = state_dir_name("..:7:f00");
	ck_assert_str_eq(name, "%2E.:7:f00");
	free(name);
	memset(lease, '.', 600);
	strcpy(lease + 580, ":7:0123456789abcdef");
	name = state_dir_name(lease);
	ck_assert_uint_le(strlen(name), 200);
	ck_assert_int_ne(name[0], '.');
	ck_assert_str_eq(name + strlen(name) - 16, "0123456789abcdef");
	free(name);
}
END_TEST

START_TEST(test_about)
{
	struct state_about a;
	struct text text = {0};
	struct err err;

	free(self.lease);
	self.lease = strdup("a\nb%41 c:1:2");
	state_about_write(&text, &self);
	ck_assert_int_eq(state_about_read(&a, text_span(&text), &err), 0);
	ck_assert_str_eq(a.lease, "a\nb%41 c:1:2");
	ck_assert_str_eq(a.redis, "redis://h/0 resque:");
	ck_assert_str_eq(a.boot_id, self.boot_id);
	ck_assert_int_eq(a.pid, getpid());
	state_about_fini(&a);
	for (size_t n = 0; n < text.len; n++) /* cut off, a word is not believed */
		ck_assert_int_eq(state_about_read(&a, (struct span){text.data, n}, &err), -1);
	text_fini(&text);
}
END_TEST

static struct estate_plan decide(const char *boot, const char *ns, int64_t pid, const char *redis)
{
	struct state_about us = {.boot_id = (char[]){"b1"},
				   .pid_ns = (char[]){"n1"},
				   .redis = (char[]){"r1"},
				   .lease = NULL},
			   other = {.pid = pid};
	struct estate_plan plan;

	other.boot_id = strdup(boot);
	other.pid_ns = strdup(ns);
	other.redis = strdup(redis);
	plan = estate_decide(&us, &other);
	state_about_fini(&other);
	return plan;
}

START_TEST(test_decision)
{
	struct estate_plan p = decide("b1", "n1", 9, "r1");

	ck_assert(p.look && p.by_scoreboard && p.certain && p.ours);
	p = decide("b2", "n1", 9, "r1"); /* another boot: its processes went with it */
	ck_assert(!p.look && !p.by_scoreboard && p.certain && p.ours);
	p = decide("b1", "n2", 9, "r1"); /* another container: its numbers mean nothing here */
	ck_assert(p.look && !p.by_scoreboard && !p.certain);
	p = decide("b1", "n2", 1, "r1"); /* .. unless it was the first process there */
	ck_assert(p.look && !p.by_scoreboard && p.certain);
	p = decide("b1", "n1", 9, "r2");
	ck_assert(p.look && !p.ours);
}
END_TEST

int main(void)
{
	TCase *tc;
	Suite *s = suite_with("state_dir", &tc);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_a_folder_has_one_owner);
	tcase_add_test(tc, test_a_dead_owner_has_none);
	tcase_add_test(tc, test_others_cannot_forge_one);
	tcase_add_test(tc, test_only_plain_files_are_read);
	tcase_add_test(tc, test_others_are_no_folders_of_ours);
	tcase_add_test(tc, test_it_cannot_be_had);
	tcase_add_test(tc, test_names);
	tcase_add_test(tc, test_about);
	tcase_add_test(tc, test_decision);
	return suite_run(s);
}
