/* nursery/job_socket: see job_socket.h. In the child alone. */
#include "nursery/job_socket.h"

#include "wire/job_message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int job_socket_say(const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(JOB_FD, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static void take_descriptors(struct job_buffer *b, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n && b->n_fds < JOB_FDS_MAX; i++)
			memcpy(&b->fds[b->n_fds++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

/*
 * How many bytes came, 0 at end of file. A dead peer is one too. More descriptors than there is
 * room for never come: the kernel closes those that do not fit.
 */
static ssize_t receive_some(struct job_buffer *b, char *at, size_t room, struct err *err)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(JOB_FDS_MAX * sizeof(int))];
	} control;
	struct iovec v = {at, room};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.bytes};
	ssize_t n;

	m.msg_controllen = sizeof control.bytes;
	do
		n = recvmsg(JOB_FD, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ECONNRESET)
		return 0;
	if (n < 0)
		return err_errno(err, "job socket");
	if (m.msg_controllen > 0)
		take_descriptors(b, &m);
	return n;
}

/* The rest of a message that is larger than the first part. */
static int receive_rest(struct job_buffer *b, size_t size, struct err *err)
{
	struct text *t = &b->rest;

	text_reserve(t, size - t->len);
	while (t->len < size) {
		ssize_t n = receive_some(b, t->data + t->len, size - t->len, err);

		if (n <= 0)
			return (int)n;
		t->len += (size_t)n;
	}
	return 1;
}

int job_socket_receive(struct job_buffer *b, struct span *message, struct err *err)
{
	size_t len = 0, size;
	int got;

	b->n_fds = 0;
	while (len < sizeof(struct job_head)) {
		ssize_t n = receive_some(b, b->first + len, sizeof b->first - len, err);

		if (n <= 0)
			return (int)n;
		len += (size_t)n;
	}
	size = job_message_size(b->first, err);
	if (size == 0)
		return -1;
	*message = (struct span){b->first, len};
	if (len >= size)
		return 1;
	text_clear(&b->rest);
	text_add(&b->rest, b->first, len);
	got = receive_rest(b, size, err);
	*message = (struct span){b->rest.data, b->rest.len};
	return got;
}

/* Byte by byte: what stands behind the line is not ours to take. Answers have three to five. */
int job_socket_answer(char *line, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = recv(JOB_FD, line + len, 1, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		if (line[len] == '\n') {
			line[len] = '\0';
			return 0;
		}
		len++;
	}
	return -1;
}

int job_socket_error(struct span exception, struct span message)
{
	struct text line = {0};
	int done;

	text_add_str(&line, "error {\"exception\":");
	text_add_json(&line, exception);
	text_add_str(&line, ",\"message\":");
	text_add_json(&line, message);
	text_add_str(&line, "}\n");
	done = job_socket_say(line.data, line.len);
	text_fini(&line);
	return done;
}

_Noreturn void job_socket_not_started(const struct err *why)
{
	job_socket_error(SPAN_LIT("Drover::SpawnFailed"), span_of(why->text));
	_exit(JOB_EXIT_NOT_STARTED);
}
