/* items/talk: see talk.h. In drover-items. */
#include "items/talk.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/stream.h"
#include "wire/stream_spec.h"

enum { READ_BYTES = 4096 };

void talk_fini(struct talk *t)
{
	/* There was a password in it. */
	if (t->in.data)
		explicit_bzero(t->in.data, t->in.cap);
	text_fini(&t->in);
	close(t->fd);
}

/* 0: there will be no more. */
static int read_more(struct talk *t)
{
	ssize_t n;

	text_reserve(&t->in, READ_BYTES);
	do
		n = read(t->fd, t->in.data + t->in.len, READ_BYTES);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	t->in.len += (size_t)n;
	return 1;
}

static void drop_used(struct talk *t)
{
	text_drop_front(&t->in, t->used);
	t->used = 0;
}

int talk_read_spec(struct talk *t, struct span *spec, struct err *err)
{
	drop_used(t);
	while ((t->used = stream_spec_size((struct span){t->in.data, t->in.len})) == 0) {
		if (t->in.len > STREAM_SPEC_MAX)
			return err_set(err, "what is to be served is longer than %d bytes",
				STREAM_SPEC_MAX);
		if (read_more(t) == 0)
			return 0;
	}
	*spec = (struct span){t->in.data, t->used};
	return 1;
}

int talk_read_line(struct talk *t, struct span *line, struct err *err)
{
	const char *newline;

	drop_used(t);
	while (!(newline = t->in.len ? memchr(t->in.data, '\n', t->in.len) : NULL)) {
		if (t->in.len >= STREAM_LINE_MAX)
			return err_set(err, "a question is longer than %d bytes", STREAM_LINE_MAX);
		if (read_more(t) == 0)
			return 0;
	}
	*line = (struct span){t->in.data, (size_t)(newline - t->in.data)};
	t->used = line->len + 1;
	return 1;
}

int talk_write(struct talk *t, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(t->fd, bytes.at, bytes.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		bytes.at += n;
		bytes.len -= (size_t)n;
	}
	return 1;
}
