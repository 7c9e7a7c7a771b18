/* conf/password: the text of a password file. Any process that logs in to Redis. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"

#define LONGEST_PASSWORD 4096

/* The file is judged once it is open, so that it cannot be exchanged in between. */
static int check_file(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "%s is no regular file", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(err, "%s can be read by others (mode %04o); chmod 600 it", path,
			(unsigned)st.st_mode & 07777);
	return 0;
}

static int read_all(int fd, const char *path, char *out, size_t size, struct err *err)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, out + len, size - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < size) || (n < 0 && errno == EINTR));
	if (n < 0)
		return err_errno(err, "%s", path);
	if (len == size)
		return err_set(err, "%s is longer than a password", path);
	out[len] = '\0';
	if (memchr(out, '\0', len))
		return err_set(err, "%s holds a NUL", path);
	if (len > 0 && out[len - 1] == '\n')
		out[--len] = '\0';
	if (len > 0 && out[len - 1] == '\r')
		out[--len] = '\0';
	return len > 0 ? 0 : err_set(err, "%s is empty", path);
}

int conf_read_password(const char *path, char **password, struct err *err)
{
	char text[LONGEST_PASSWORD];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return err_errno(err, "%s", path);
	rc = check_file(fd, path, err);
	if (rc == 0)
		rc = read_all(fd, path, text, sizeof text, err);
	close(fd);
	if (rc == 0)
		*password = must_strdup(text);
	explicit_bzero(text, sizeof text);
	return rc;
}
