/* client/upload: files for jobs to read; see include/drover/client.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/internal.h"
#include "queue/upload.h"

_Static_assert(DROVER_UPLOAD_ID_SIZE == UPLOAD_ID_DIGITS + 1,
	"the public header says it in its own words");

#define MAX_BYTES (1LL << 30)

static const char *last_part(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

static const char *called(const struct drover_upload_request *request)
{
	return request->path ? request->path : request->name ? request->name : "the file";
}

/* Of a regular file this is known before any of it is sent; a pipe is counted as it goes. */
static int check(const struct drover_upload_request *request, int fd,
	const struct upload_wish *wish, struct drover_error *error)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return internal_fail(
			error, DROVER_E_INVALID, "%s: %s", called(request), strerror(errno));
	if (S_ISDIR(st.st_mode))
		return internal_fail(
			error, DROVER_E_INVALID, "%s: is a directory", called(request));
	if (S_ISREG(st.st_mode) && request->path && st.st_size > wish->max_bytes)
		return internal_fail(error, DROVER_E_INVALID, "%s: %lld bytes, more than %lld",
			called(request), (long long)st.st_size, (long long)wish->max_bytes);
	return 0;
}

static int fail(const struct drover_upload_request *request, int rc, struct err *err,
	struct drover_error *error)
{
	enum drover_error_kind kind = rc == ASK_LOST ? DROVER_E_UNREACHABLE
				      : rc == UPLOAD_TOO_LARGE || rc == UPLOAD_UNREADABLE
					      ? DROVER_E_INVALID
					      : DROVER_E_REFUSED;

	err_at(err, "%s", called(request));
	return internal_fail(error, kind, "%s", err->text);
}

static int upload(struct drover_client *client, const struct drover_upload_request *request, int fd,
	struct drover_upload *answer, struct drover_error *error)
{
	const char *name = request->name ? request->name : last_part(request->path);
	struct upload_wish wish = {.prefix = client->prefix,
		.name = span_of(name),
		.expire_ms = request->expire_ms > 0 ? request->expire_ms : client->runs_kept_ms,
		.max_bytes = request->max_bytes > 0 ? request->max_bytes : MAX_BYTES};
	struct upload_written written;
	struct err err = {0};
	int rc;

	if (check(request, fd, &wish, error) < 0)
		return -1;
	rc = upload_write(client->redis, fd, &wish, &written, &err);
	if (rc < 0)
		return fail(request, rc, &err, error);
	memcpy(answer->id, written.id, sizeof answer->id);
	answer->bytes = written.about.bytes;
	answer->packed_bytes = written.packed_bytes;
	return 0;
}

int drover_upload_file(struct drover_client *client, const struct drover_upload_request *request,
	struct drover_upload *answer, struct drover_error *error)
{
	int fd = request->path ? open(request->path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : request->fd;
	int rc;

	*error = (struct drover_error){0};
	*answer = (struct drover_upload){0};
	if (fd < 0)
		return internal_fail(error, DROVER_E_INVALID, "%s: %s", called(request),
			request->path ? strerror(errno) : "no descriptor");
	rc = upload(client, request, fd, answer, error);
	if (request->path)
		close(fd);
	return rc;
}

int drover_upload_remove(struct drover_client *client, const char *id, struct drover_error *error)
{
	struct err err = {0};
	int rc;

	*error = (struct drover_error){0};
	if (!upload_is_id(span_of(id)))
		return internal_fail(error, DROVER_E_INVALID, "\"%s\" is no id of an upload", id);
	rc = upload_remove(client->redis, client->prefix, span_of(id), &err);
	return rc < 0 ? internal_write_failed(error, rc, &err, "the upload was removed") : rc;
}
