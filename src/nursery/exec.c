/*
 * nursery/exec: the last steps of a child before its program: arguments on standard input, folder,
 * environment, execve. Descriptors 1, 2 and JOB_FD stand, all above are closed.
 */
#include "nursery/exec.h"

#include "base/must.h"
#include "nursery/environment.h"
#include "nursery/job_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where a class passes no PATH on. */
#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

static int fail(struct err *err, const char *what, int number)
{
	return err_set(err, "%s: %s (errno %d)", what, strerror(number), number);
}

/*
 * A pipe would hold 64 KiB and then wait for a reader that is not there yet. A sealed memory file
 * has no such bound, and its descriptor is at its beginning because pwrite does not move it.
 * Descriptor 0 is closed first: the new one is then 0, also where only few may be open.
 */
static int put_stdin(struct span args, struct err *err)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	int fd;

	close(STDIN_FILENO);
	fd = memfd_create("drover-args", MFD_ALLOW_SEALING);
	if (fd < 0)
		return fail(err, "standard input", errno);
	must(fd == STDIN_FILENO);
	for (size_t done = 0; done < args.len;) {
		ssize_t n = pwrite(fd, args.at + done, args.len - done, (off_t)done);

		if (n < 0 && errno != EINTR)
			return fail(err, "standard input", errno);
		if (n > 0)
			done += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, seals) != 0)
		return fail(err, "standard input", errno);
	return 0;
}

/* Lists come as places in the message; execve wants, for old reasons, what could be written to. */
char **exec_list(const char *const *list)
{
	char **argv;

	_Static_assert(sizeof argv == sizeof list, "both are pointers to pointers");
	memcpy(&argv, &list, sizeof argv);
	return argv;
}

/* ENOENT is also said where the program is there, and what its first line names is not. */
static int told(const char *path, int number, struct err *err)
{
	if (number == ENOENT && access(path, F_OK) == 0)
		return err_set(err, "%s: its interpreter is missing: %s (errno %d)", path,
			strerror(number), number);
	return fail(err, path, number);
}

/*
 * As execvp would, in the job's PATH and never with a shell. What counts at the end is the most
 * telling refusal: a program that may not be run rather than the last folder without one.
 */
static int exec_in_path(char *const *argv, char *const *env, struct err *err)
{
	const char *path = environment_get(env, "PATH");
	int worst = ENOENT;
	struct text file = {0}, refused = {0};

	for (path = path ? path : PATH_DEFAULT; *path; path += *path == ':') {
		size_t len = strcspn(path, ":");

		text_clear(&file);
		text_add(&file, path, len);
		text_add_str(&file, len ? "/" : "./");
		text_add_str(&file, argv[0]);
		execve(file.data, argv, env);
		if (errno != ENOENT && errno != ENOTDIR && worst == ENOENT) {
			worst = errno;
			text_clear(&refused);
			text_add(&refused, file.data, file.len);
		}
		path += len;
	}
	return told(refused.len ? refused.data : argv[0], worst, err);
}

int exec_program(char *const *argv, char *const *env, struct err *err)
{
	if (argv[0][0] == '\0')
		return fail(err, "an empty command", ENOENT);
	if (!strchr(argv[0], '/'))
		return exec_in_path(argv, env, err);
	execve(argv[0], argv, env);
	return told(argv[0], errno, err);
}

_Noreturn void exec_command(const struct job_message *m)
{
	struct environment env;
	struct err err;

	if (put_stdin(m->args, &err) == 0) {
		environment_init(&env, m);
		exec_program(exec_list(m->lists[JOB_ARGV]), env.list, &err);
	}
	job_socket_not_started(&err);
}
