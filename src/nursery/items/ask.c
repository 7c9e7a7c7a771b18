/* nursery/items/ask: see ask.h. In the child. */
#include "nursery/items/ask.h"

#include "nursery/items/number.h"
#include "wire/job_line.h"
#include "wire/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* What came of an answer and is not read yet: nothing else is on its way. */
struct answer {
	int fd;
	size_t at, len;
	char room[8192];
};

static int say(int fd, const char *bytes, size_t len, struct err *err)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "the stream of the collection");
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* At least one byte, or -1. */
static ssize_t receive(int fd, char *at, size_t room, struct err *err)
{
	ssize_t n;

	do
		n = recv(fd, at, room, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, "the stream of the collection");
	if (n == 0)
		return err_set(err, "the stream of the collection has ended");
	return n;
}

static int fill(struct answer *a, struct err *err)
{
	ssize_t n = receive(a->fd, a->room, sizeof a->room, err);

	if (n < 0)
		return -1;
	a->at = 0;
	a->len = (size_t)n;
	return 0;
}

/* A line without its end, at most size - 1 bytes, NUL-terminated. */
static int read_line(struct answer *a, char *line, size_t size, struct err *err)
{
	for (size_t len = 0; len < size; len++) {
		if (a->at == a->len && fill(a, err) != 0)
			return -1;
		line[len] = a->room[a->at++];
		if (line[len] == '\n') {
			line[len] = '\0';
			return 0;
		}
	}
	return err_set(err, "the stream of the collection: a line without end");
}

/* Exactly `len` bytes; `out` NULL: they are dropped. */
static int read_bytes(struct answer *a, char *out, size_t len, struct err *err)
{
	while (len > 0) {
		size_t n;

		if (a->at == a->len && fill(a, err) != 0)
			return -1;
		n = a->len - a->at < len ? a->len - a->at : len;
		if (out) {
			memcpy(out, a->room + a->at, n);
			out += n;
		}
		a->at += n;
		len -= n;
	}
	return 0;
}

/* Reads "WORD N": N; an `error` line, or any other, is a sentence. */
static int read_head(struct answer *a, const char *word, int64_t *n, struct err *err)
{
	char line[512];
	size_t len = strlen(word);

	if (read_line(a, line, sizeof line, err) != 0)
		return -1;
	if (strncmp(line, "error ", 6) == 0)
		return err_set(err, "%s", line + 6);
	if (strncmp(line, word, len) != 0 || line[len] != ' ' ||
		!number_read(span_of(line + len + 1), n))
		return err_set(err, "the stream of the collection: `%s N` is due", word);
	return 0;
}

static int is_over(const struct answer *a, struct err *err)
{
	if (a->at == a->len)
		return 0;
	return err_set(err, "the stream of the collection: more than was asked for");
}

static int ask_number(int fd, struct span question, const char *word, int64_t *n, struct err *err)
{
	struct answer a = {.fd = fd};

	if (say(fd, question.at, question.len, err) != 0 || read_head(&a, word, n, err) != 0)
		return -1;
	return is_over(&a, err);
}

int ask_size(int fd, int64_t *size, struct err *err)
{
	return ask_number(fd, SPAN_LIT("size\n"), "size", size, err);
}

int ask_count(int fd, int64_t *count, struct err *err)
{
	return ask_number(fd, SPAN_LIT("count\n"), "count", count, err);
}

/* The bytes are received where they are to stand but for the first, which came with the line. */
static ssize_t read_into(struct answer *a, char *at, size_t room, struct err *err)
{
	int64_t n;
	size_t have, done;

	if (read_head(a, "bytes", &n, err) != 0)
		return -1;
	if (n < 0 || (uint64_t)n > room)
		return err_set(err, "the stream of the collection: %lld bytes, asked for %zu",
			(long long)n, room);
	have = a->len - a->at;
	done = have < (size_t)n ? have : (size_t)n;
	if (read_bytes(a, at, done, err) != 0)
		return -1;
	while (done < (size_t)n) {
		ssize_t more = receive(a->fd, at + done, (size_t)n - done, err);

		if (more < 0)
			return -1;
		done += (size_t)more;
	}
	return is_over(a, err) == 0 ? (ssize_t)n : -1;
}

ssize_t ask_read(int fd, int64_t offset, char *at, size_t room, struct err *err)
{
	struct answer a = {.fd = fd};
	struct text question = {0};
	int said;

	if (room > STREAM_READ_MAX)
		room = STREAM_READ_MAX;
	text_addf(&question, "read %lld %zu\n", (long long)offset, room);
	said = say(fd, question.data, question.len, err);
	text_fini(&question);
	return said == 0 ? read_into(&a, at, room, err) : -1;
}

/* -- members ------------------------------------------------------------------------------------- */

static int read_member_head(struct answer *a, int64_t *cursor, int64_t *text, struct err *err)
{
	char line[64];
	struct span rest, word;

	if (read_line(a, line, sizeof line, err) != 0)
		return -1;
	rest = span_of(line);
	if (!number_cut(&rest, ' ', &word) || !number_read(word, cursor) ||
		!number_read(rest, text) || *cursor < 0 || *text < 0)
		return err_set(err, "the stream of the collection: two lengths are due");
	if (*cursor > JOB_CURSOR_MAX)
		return err_set(err, "a cursor of %lld bytes, at most %d", (long long)*cursor,
			JOB_CURSOR_MAX);
	return 0;
}

static int read_member(struct answer *a, size_t longest, struct text *room, ask_member_fn *member,
	void *ctx, struct err *err)
{
	int64_t cursor, text;
	size_t kept;

	if (read_member_head(a, &cursor, &text, err) != 0)
		return -1;
	kept = (uint64_t)text > longest ? longest : (size_t)text;
	text_clear(room);
	text_reserve(room, (size_t)cursor + kept);
	if (read_bytes(a, room->data, (size_t)cursor + kept, err) != 0 ||
		read_bytes(a, NULL, (size_t)text - kept, err) != 0)
		return -1;
	member(ctx, (struct span){room->data, (size_t)cursor},
		(struct span){room->data + cursor, kept}, kept < (uint64_t)text);
	return 0;
}

static int ask_for_next(int fd, int64_t count, struct span cursor, struct err *err)
{
	struct text question = {0};
	int said;

	text_addf(&question, "next %lld ", (long long)count);
	text_add_span(&question, cursor);
	text_add_char(&question, '\n');
	said = say(fd, question.data, question.len, err);
	text_fini(&question);
	return said;
}

int64_t ask_next(int fd, int64_t count, struct span cursor, size_t longest, ask_member_fn *member,
	void *ctx, struct err *err)
{
	struct answer a = {.fd = fd};
	struct text room = {0};
	int64_t n;
	int fault;

	if (ask_for_next(fd, count, cursor, err) != 0 || read_head(&a, "items", &n, err) != 0)
		return -1;
	if (n < 0 || n > count)
		return err_set(err, "the stream of the collection: %lld members, asked for %lld",
			(long long)n, (long long)count);
	fault = 0;
	for (int64_t i = 0; i < n && fault == 0; i++)
		fault = read_member(&a, longest, &room, member, ctx, err);
	text_fini(&room);
	return fault == 0 && is_over(&a, err) == 0 ? n : -1;
}
