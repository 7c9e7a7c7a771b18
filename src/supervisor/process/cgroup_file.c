/* cgroup_file: see cgroup_file.h. droverd. */
#include "supervisor/process/cgroup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void close_kept(int fd)
{
	int kept = errno;

	close(fd);
	errno = kept;
}

int cgroup_file_look(int fd, char *bytes, struct span *out)
{
	ssize_t n;

	do
		n = pread(fd, bytes, CGROUP_FILE_MAX, 0);
	while (n < 0 && errno == EINTR);
	*out = (struct span){bytes, n > 0 ? (size_t)n : 0};
	return n < 0 ? -1 : 0;
}

int cgroup_file_read(int folder, const char *name, char *bytes, struct span *out)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	int done;

	*out = (struct span){bytes, 0};
	if (fd < 0)
		return -1;
	done = cgroup_file_look(fd, bytes, out);
	close_kept(fd);
	return done;
}

/* The kernel's own files do not mind O_TRUNC (every shell uses it); a stand-in needs it. */
int cgroup_file_write(int folder, const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	close_kept(fd);
	return n < 0 ? -1 : 0;
}
