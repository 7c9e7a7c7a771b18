/*
 * items: collections for tests: messages that describe them, files to go through, a stream that
 * answers as drover-items does, and lists of what was given. Included by single programs; a thing
 * that cannot be had ends the program.
 */
#ifndef DROVER_SUPPORT_ITEMS_H
#define DROVER_SUPPORT_ITEMS_H

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"
#include "base/text.h"
#include "nursery/items/collection.h"
#include "wire/job_message.h"

/* -- messages ------------------------------------------------------------------------------------ */

static const char *ITEMS_NOTHING[] = {NULL};

static inline struct job_message items_message(uint32_t kind)
{
	struct job_message m = {.collection = {.kind = kind}, .jid = "1", .class_name = "Class"};

	for (int i = 0; i < JOB_LISTS; i++)
		m.lists[i] = ITEMS_NOTHING;
	m.queue = m.origin = m.token = m.lease = "-";
	m.each.from = m.each.to = m.each.limit = JOB_NO_NUMBER;
	m.each.batch = 1;
	return m;
}

static inline void items_range(struct job_collection *c, int64_t first, int64_t last, int64_t step)
{
	c->kind = JOB_RANGE;
	c->first = first;
	c->last = last;
	c->step = step;
}

/* -- files --------------------------------------------------------------------------------------- */

static inline void items_write(const char *path, struct span bytes)
{
	FILE *file = fopen(path, "wb");

	must(file && fwrite(bytes.at ? bytes.at : "", 1, bytes.len, file) == bytes.len);
	must(fclose(file) == 0);
}

/* A file of its own; its name is the caller's. */
static inline char *items_file(struct span bytes)
{
	char *path = must_strdup("/tmp/drover-items-XXXXXX");
	int fd = mkstemp(path);

	must(fd >= 0);
	close(fd);
	items_write(path, bytes);
	return path;
}

static inline void items_drop(char *path)
{
	unlink(path);
	free(path);
}

/* -- what was given ------------------------------------------------------------------------------ */

struct items_one {
	char *text, *cursor;
	size_t len, cursor_len;
	int64_t number, last;
	bool unfit;
};

struct items_list {
	struct items_one *list;
	size_t count;
};

static inline void items_add(struct items_list *l, struct span text, struct span cursor,
	int64_t number, int64_t last, bool unfit)
{
	l->list = must_realloc(l->list, (l->count + 1) * sizeof *l->list);
	l->list[l->count++] = (struct items_one){must_strndup(text.len ? text.at : "", text.len),
		must_strndup(cursor.len ? cursor.at : "", cursor.len), text.len, cursor.len, number,
		last, unfit};
}

static inline void items_fini(struct items_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->list[i].text);
		free(l->list[i].cursor);
	}
	free(l->list);
	*l = (struct items_list){0};
}

static const struct collection_start FROM_BEGINNING = {.stream = -1};

/* Takes at most `most` items up to `end` behind the cursor: how many; -1 and why. */
static inline int64_t items_take(struct items_list *out, const struct job_message *m, int stream,
	struct span cursor, int64_t number, int64_t end, int64_t most, struct err *err)
{
	struct collection *c = collection_open(m,
		&(struct collection_start){.cursor = cursor, .number = number, .stream = stream},
		err);
	struct collection_item item;
	int64_t count = 0;
	int got = 1;

	if (!c)
		return -1;
	while (count < most && (got = collection_next(c, end, &item, err)) > 0) {
		items_add(out, item.text, collection_cursor(c), item.number, item.last,
			item.unfit != NULL);
		count++;
	}
	collection_close(c);
	return got < 0 ? -1 : count;
}

/* All of it. */
static inline struct items_list items_all(const struct job_message *m, int stream)
{
	struct items_list all = {0};
	struct err err = {""};
	int64_t got = items_take(&all, m, stream, (struct span){0}, 0, INT64_MAX, INT64_MAX, &err);

	if (got < 0)
		fprintf(stderr, "items: %s\n", err.text);
	must(got >= 0);
	return all;
}

/* -- the bounds of a plan ------------------------------------------------------------------------ */

static inline bool items_read_bound(const char **at, int64_t *number, struct text *cursor)
{
	char *end;

	while (**at == ' ')
		++*at;
	if (!**at)
		return false;
	*number = strtoll(*at, &end, 10);
	must(*end == ':');
	text_reserve(cursor, 0);
	text_clear(cursor);
	for (*at = end + 1; **at && **at != ' '; ++*at) {
		unsigned c = (unsigned char)**at;

		if (c == '%') {
			must(sscanf(*at + 1, "%2x", &c) == 1);
			*at += 2;
		}
		text_add_char(cursor, (char)c);
	}
	return true;
}

/* -- a stream ------------------------------------------------------------------------------------ */

struct items_stream {
	int ours, theirs; /* theirs is the collection's */
	struct span bytes;
	const struct span *members;
	int64_t count;
	bool uncounted; /* -1 is said where sizes are asked */
	pthread_t thread;
};

static inline void items_say(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

/* Says `answer` to whatever is asked, and goes. */
static inline int items_saying(const char *answer)
{
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	items_say(fd[0], answer, strlen(answer));
	shutdown(fd[0], SHUT_WR);
	return fd[1];
}

static inline void items_answer_read(struct items_stream *s, long long offset, long long want)
{
	struct text out = {0};
	long long left = offset < (long long)s->bytes.len ? (long long)s->bytes.len - offset : 0;

	want = want < left ? want : left;
	text_addf(&out, "bytes %lld\n", want);
	if (want)
		text_add(&out, s->bytes.at + offset, (size_t)want);
	items_say(s->ours, out.data, out.len);
	text_fini(&out);
}

/* Cursors are indexes, as those of a list. */
static inline void items_answer_next(struct items_stream *s, long long want, const char *cursor)
{
	struct text out = {0};
	int64_t last = *cursor ? atoll(cursor) : -1;
	int64_t from = last < 0 ? 0 : last < s->count ? last + 1 : s->count;
	int64_t n = s->count - from;

	n = n < want ? n : want;
	text_addf(&out, "items %lld\n", (long long)n);
	for (int64_t i = from; i < from + n; i++) {
		char at[24];

		snprintf(at, sizeof at, "%lld", (long long)i);
		text_addf(&out, "%zu %zu\n%s", strlen(at), s->members[i].len, at);
		text_add_span(&out, s->members[i]);
	}
	items_say(s->ours, out.data, out.len);
	text_fini(&out);
}

static inline void items_answer(struct items_stream *s, char *line)
{
	char out[64];
	long long a, b;
	int end = 0;

	out[0] = '\0';
	if (sscanf(line, "read %lld %lld", &a, &b) == 2)
		items_answer_read(s, a, b);
	else if (sscanf(line, "next %lld %n", &a, &end) == 1 && end)
		items_answer_next(s, a, line + end);
	else if (strcmp(line, "size") == 0)
		snprintf(out, sizeof out, "size %lld\n",
			s->uncounted ? -1 : (long long)s->bytes.len);
	else if (strcmp(line, "count") == 0)
		snprintf(out, sizeof out, "count %lld\n", s->uncounted ? -1 : (long long)s->count);
	else
		snprintf(out, sizeof out, "error what is that?\n");
	items_say(s->ours, out, strlen(out));
}

static inline void *items_serve(void *ctx)
{
	struct items_stream *s = ctx;
	char line[8192];
	size_t len = 0;

	while (len < sizeof line && recv(s->ours, line + len, 1, 0) == 1) {
		if (line[len++] != '\n')
			continue;
		line[len - 1] = '\0';
		items_answer(s, line);
		len = 0;
	}
	return NULL;
}

static inline void items_stream_start(struct items_stream *s)
{
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
	s->ours = fd[0];
	s->theirs = fd[1];
	must(pthread_create(&s->thread, NULL, items_serve, s) == 0);
}

static inline void items_stream_end(struct items_stream *s)
{
	close(s->theirs);
	pthread_join(s->thread, NULL);
	close(s->ours);
}

/* -- numbers that look like chance, the same in every run ---------------------------------------- */

static inline uint64_t items_chance(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static inline int64_t items_below(uint64_t *state, int64_t n)
{
	return (int64_t)(items_chance(state) % (uint64_t)n);
}

#endif
