/* nursery/items/bytes: see bytes.h. In the child. */
#include "nursery/items/bytes.h"

#include "base/must.h"
#include "nursery/items/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE (64 * 1024)
#define READ_MIN  (16 * 1024) /* room for less than that is made larger */
#define CUT_KEPT  1024
#define LOOK_MS	  100 /* who waits for a pipe looks so often whether it shall stop */

static void init(struct bytes *b, enum bytes_from from, int fd, const char *name)
{
	*b = (struct bytes){.from = from, .fd = fd, .name = name};
	b->cap = READ_SIZE + BYTES_HISTORY;
	b->data = must_alloc(b->cap);
}

/* A pipe of somebody's, opened as a file, would wait for its other end: O_NONBLOCK. */
int bytes_open_file(struct bytes *b, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, "%s: not a regular file", path);
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	init(b, BYTES_FILE, fd, path);
	b->identity = (struct bytes_identity){.device = st.st_dev,
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.mtime = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec};
	return 0;
}

int bytes_open_stream(struct bytes *b, int fd, struct err *err)
{
	int64_t size;

	if (ask_size(fd, &size, err) != 0)
		return -1;
	init(b, BYTES_STREAM, fd, "the uploaded file");
	b->identity.size = size < 0 ? 0 : (uint64_t)size;
	return 0;
}

void bytes_open_pipe(struct bytes *b, int fd, const char *name)
{
	init(b, BYTES_PIPE, fd, name);
}

void bytes_close(struct bytes *b)
{
	if (b->from == BYTES_FILE)
		close(b->fd);
	free(b->data);
	text_fini(&b->cut);
}

/* -- reading ------------------------------------------------------------------------------------- */

static void make_room(struct bytes *b)
{
	size_t keep = b->at > BYTES_HISTORY ? b->at - BYTES_HISTORY : 0;

	if (b->cap - b->len >= READ_MIN)
		return;
	memmove(b->data, b->data + keep, b->len - keep);
	b->at -= keep;
	b->len -= keep;
	b->base += (int64_t)keep;
	while (b->cap - b->len < READ_MIN) {
		b->cap *= 2;
		b->data = must_realloc(b->data, b->cap);
	}
}

static ssize_t read_some(struct bytes *b, struct err *err)
{
	char *at = b->data + b->len;
	size_t room = b->cap - b->len;
	int64_t offset = b->base + (int64_t)b->len;
	ssize_t n;

	if (b->from == BYTES_STREAM)
		return ask_read(b->fd, offset, at, room, err);
	do
		n = b->from == BYTES_FILE ? pread(b->fd, at, room, offset) : read(b->fd, at, room);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_errno(err, "%s", b->name) : n;
}

static bool is_stopped(const struct bytes *b)
{
	return b->stop && b->stop(b->stop_ctx);
}

/* What a pipe brings may be long in coming. */
static void await(const struct bytes *b)
{
	struct pollfd readable = {b->fd, POLLIN, 0};

	if (b->from != BYTES_PIPE || !b->stop)
		return;
	while (poll(&readable, 1, LOOK_MS) <= 0 && !is_stopped(b))
		continue;
}

/* Cut off while it is read, it would be done with items missing and nobody told. */
static int end_reached(struct bytes *b, struct err *err)
{
	uint64_t offset = (uint64_t)b->base + b->len;

	b->ended = true;
	if (b->from == BYTES_PIPE || offset >= b->identity.size)
		return 0;
	return err_set(err, "%s became shorter while it was read: %llu bytes, it had %llu", b->name,
		(unsigned long long)offset, (unsigned long long)b->identity.size);
}

/* Reads on: 1; 0 at the end; -1. What the buffer holds may stand elsewhere then. */
static int read_more(struct bytes *b, struct err *err)
{
	ssize_t n;

	if (b->ended)
		return 0;
	await(b);
	if (is_stopped(b))
		return err_set(err, "%s: stopped", b->name);
	make_room(b);
	n = read_some(b, err);
	if (n < 0)
		return -1;
	if (n == 0)
		return end_reached(b, err);
	b->len += (size_t)n;
	return 1;
}

int bytes_seek(struct bytes *b, int64_t offset, int64_t history, struct err *err)
{
	size_t before = (size_t)(offset - history);

	must(b->from != BYTES_PIPE && history >= 0 && offset >= history);
	must(before <= BYTES_HISTORY);
	b->base = history;
	b->at = b->len = 0;
	b->ended = false;
	while (b->len < before) {
		int got = read_more(b, err);

		if (got < 0)
			return -1;
		if (got == 0)
			return err_set(err, "%s ends before byte %lld", b->name, (long long)offset);
	}
	b->at = before;
	return 0;
}

/* -- records ------------------------------------------------------------------------------------- */

const char *bytes_find_newline(void *ctx, const char *from, const char *to)
{
	const char *end = memchr(from, '\n', (size_t)(to - from));

	(void)ctx;
	return end ? end + 1 : NULL;
}

/* The record in hand is too long: its bytes so far are passed, its end is still looked for. */
static void cut_record(struct bytes *b)
{
	if (!b->cutting) {
		text_clear(&b->cut);
		text_add(&b->cut, b->data + b->at, CUT_KEPT);
	}
	b->cutting = true;
	b->at = b->len;
}

static int give_record(struct bytes *b, size_t len, bool whole, struct bytes_record *r)
{
	*r = (struct bytes_record){{b->data + b->at, len}, whole, b->cutting};
	if (b->cutting)
		r->text = (struct span){b->cut.data, b->cut.len};
	b->cutting = false;
	b->at += len;
	return 1;
}

int bytes_next_record(
	struct bytes *b, bytes_find_fn *find, void *ctx, struct bytes_record *r, struct err *err)
{
	size_t seen = 0;

	for (;;) {
		const char *start = b->data + b->at, *to = b->data + b->len;
		const char *end = start + seen < to ? find(ctx, start + seen, to) : NULL;
		int got;

		if (end)
			return give_record(b, (size_t)(end - start), true, r);
		seen = b->len - b->at;
		if (seen > BYTES_RECORD_MAX) {
			cut_record(b);
			seen = 0;
		}
		got = read_more(b, err);
		if (got < 0)
			return -1;
		if (got == 0)
			return seen || b->cutting ? give_record(b, seen, false, r) : 0;
	}
}

int bytes_take(struct bytes *b, size_t n, struct span *out, struct err *err)
{
	while (b->len - b->at < n) {
		int got = read_more(b, err);

		if (got <= 0)
			return got;
	}
	*out = (struct span){b->data + b->at, n};
	b->at += n;
	return 1;
}

int bytes_skip_mark(struct bytes *b, struct err *err)
{
	while (b->len < 3) {
		int got = read_more(b, err);

		if (got <= 0)
			return got;
	}
	if (memcmp(b->data, "\xef\xbb\xbf", 3) == 0)
		b->at = 3;
	return 0;
}

struct span bytes_without_end(struct span line)
{
	if (line.len > 0 && line.at[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}
