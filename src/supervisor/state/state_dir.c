/* state_dir: see state_dir.h. droverd. It knows nothing of what others keep in a folder. */
#include "supervisor/state/state_dir.h"
#include "base/clock.h"
#include "base/must.h"
#include "base/random.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LOCK_FILE  "lock"
#define ABOUT_FILE "about"
#define MAKING	   ".new-"
#define REMOVING   ".old-"

enum { NAME_LONGEST = 200, SWEEP_AFTER_S = 60, RANDOM_DIGITS = 16 };

char *state_dir_name(const char *lease)
{
	struct text out = {0};
	size_t cut;

	for (const char *p = lease; *p; p++) {
		if (isalnum((unsigned char)*p) || strchr("_-:", *p) || (*p == '.' && p > lease))
			text_add_char(&out, *p);
		else
			text_addf(&out, "%%%02X", (unsigned char)*p);
	}
	cut = out.len > NAME_LONGEST ? out.len - NAME_LONGEST : 0;
	while (cut > 0 && out.data[cut] == '.')
		cut++; /* a leading dot is for folders that are none yet */
	text_drop_front(&out, cut);
	return text_take(&out);
}

/* -- making --------------------------------------------------------------------------------------- */

static struct state_folder *new_folder(char *path, int fd, int lock_fd)
{
	struct state_folder *f = must_alloc(sizeof *f);

	*f = (struct state_folder){path, fd, lock_fd};
	return f;
}

static int write_about(int folder, const struct state_about *about)
{
	struct text text = {0};
	int fd = openat(folder, ABOUT_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool whole;

	if (fd < 0)
		return -1;
	state_about_write(&text, about);
	whole = write(fd, text.data, text.len) == (ssize_t)text.len;
	text_fini(&text);
	close(fd);
	return whole ? 0 : -1;
}

static int open_locked(int folder, int flags)
{
	int fd = openat(folder, LOCK_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* Its two descriptors; -1 with what could be made still lying there. */
static int furnish(const char *path, const struct state_about *about, int fds[2])
{
	if (mkdir(path, 0700) < 0)
		return -1;
	fds[0] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fds[0] < 0)
		return -1;
	fds[1] = open_locked(fds[0], O_CREAT | O_EXCL);
	return fds[1] < 0 ? -1 : write_about(fds[0], about);
}

struct state_folder *state_dir_make(
	const char *state_dir, const struct state_about *about, struct err *err)
{
	char *name = state_dir_name(about->lease), random[RANDOM_DIGITS + 1];
	char *path = must_printf("%s/%s", state_dir, name), *early;
	int fds[2] = {-1, -1};

	random_hex(random, RANDOM_DIGITS);
	early = must_printf("%s/" MAKING "%s", state_dir, random);
	free(name);
	if (furnish(early, about, fds) < 0 || rename(early, path) < 0) {
		struct state_folder *left = new_folder(early, fds[0], fds[1]);

		err_errno(err, "%s", path);
		free(path);
		state_folder_remove(left);
		return NULL;
	}
	free(early);
	return new_folder(path, fds[0], fds[1]);
}

/* -- taking ---------------------------------------------------------------------------------------- */

/* Between open and lock its owner may have removed it, and the lock is one of a file without a name. */
static bool still_stands(const char *path, int folder, int lock)
{
	struct stat named, held, file;

	return stat(path, &named) == 0 && fstat(folder, &held) == 0 &&
	       named.st_ino == held.st_ino && named.st_dev == held.st_dev &&
	       fstat(lock, &file) == 0 && file.st_nlink > 0;
}

static int check_maker(int folder, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(folder, &st) == 0 && st.st_uid == geteuid() &&
		(st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return 0;
	return err_set(err, "%s belongs to another user, or others may write to it", path);
}

/* 1 and the two descriptors, or 0 or -1 and none. */
static int open_both(const char *path, int fds[2], struct err *err)
{
	int answer;

	fds[0] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fds[0] < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(err, "%s", path);
	answer = check_maker(fds[0], path, err);
	fds[1] = answer == 0 ? open_locked(fds[0], 0) : -1;
	if (fds[1] >= 0 && still_stands(path, fds[0], fds[1]))
		return 1;
	if (answer == 0 && fds[1] < 0 && errno != EWOULDBLOCK && errno != ENOENT)
		answer = err_errno(err, "%s/" LOCK_FILE, path);
	if (fds[1] >= 0)
		close(fds[1]);
	close(fds[0]);
	return answer;
}

int state_dir_take(
	const char *state_dir, const char *name, struct state_folder **out, struct err *err)
{
	char *path = must_printf("%s/%s", state_dir, name);
	int fds[2] = {-1, -1}, answer = open_both(path, fds, err);

	if (answer > 0)
		*out = new_folder(path, fds[0], fds[1]);
	else
		free(path);
	return answer;
}

/* Anything else, a FIFO say, could keep its reader waiting. */
int state_dir_open_file(int folder_fd, const char *name)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int state_folder_about(const struct state_folder *f, struct state_about *out, struct err *err)
{
	char bytes[8192];
	int fd = state_dir_open_file(f->fd, ABOUT_FILE);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);

	*out = (struct state_about){0};
	if (n < 0)
		err_errno(err, "%s/" ABOUT_FILE, f->path);
	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : state_about_read(out, (struct span){bytes, (size_t)n}, err);
}

/* -- letting go -------------------------------------------------------------------------------------- */

static void free_folder(struct state_folder *f)
{
	if (f->lock_fd >= 0)
		close(f->lock_fd);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f);
}

void state_folder_keep(struct state_folder *f)
{
	if (f)
		free_folder(f);
}

/* There are only files in it, and not many. */
static void empty_folder(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	while (dir && (e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(folder, e->d_name, 0);
	if (dir)
		closedir(dir);
}

/* Renamed first: cut off in the middle, nobody takes what is left for a folder with a story. */
void state_folder_remove(struct state_folder *f)
{
	char random[RANDOM_DIGITS + 1], *slash, *away;

	if (f == NULL)
		return;
	random_hex(random, RANDOM_DIGITS);
	slash = strrchr(f->path, '/');
	away = must_printf("%.*s/" REMOVING "%s", (int)(slash - f->path), f->path, random);
	if (rename(f->path, away) == 0) {
		free(f->path);
		f->path = must_strdup(away);
	}
	free(away);
	if (f->fd >= 0)
		empty_folder(f->fd);
	rmdir(f->path);
	free_folder(f);
}

/* -- looking -------------------------------------------------------------------------------------- */

int state_dir_each(const char *state_dir, state_dir_fn *fn, void *ctx, struct err *err)
{
	DIR *dir = opendir(state_dir);
	struct dirent *e;

	if (dir == NULL)
		return err_errno(err, "%s", state_dir);
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN))
			fn(ctx, e->d_name);
	closedir(dir);
	return 0;
}

static bool is_remains(const char *name)
{
	return strncmp(name, MAKING, sizeof MAKING - 1) == 0 ||
	       strncmp(name, REMOVING, sizeof REMOVING - 1) == 0;
}

static void sweep_one(const char *state_dir, const char *name)
{
	char *path = must_printf("%s/%s", state_dir, name);
	int64_t now_s = clock_wall_ms() / 1000;
	struct stat st;
	int fd = -1;

	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && now_s - st.st_mtime > SWEEP_AFTER_S)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		free(path);
		return;
	}
	empty_folder(fd);
	rmdir(path);
	close(fd);
	free(path);
}

void state_dir_sweep(const char *state_dir)
{
	DIR *dir = opendir(state_dir);
	struct dirent *e;

	while (dir && (e = readdir(dir)) != NULL)
		if (is_remains(e->d_name))
			sweep_one(state_dir, e->d_name);
	if (dir)
		closedir(dir);
}

bool state_dir_is_in_memory(const char *state_dir)
{
	struct statfs fs;

	return statfs(state_dir, &fs) == 0 &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}
