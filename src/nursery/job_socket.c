/* nursery/job_socket: see job_socket.h. In the child alone. */
#include "nursery/job_socket.h"

#include "wire/job_message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Nearly every message fits, so that one call takes it. Never more: nothing follows a message. */
#define FIRST_READ 4000

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

/* More bytes behind `t`, at most `room`: how many, 0 at end of file. A dead peer is one too. */
static ssize_t receive_some(struct text *t, size_t room, struct err *err)
{
	ssize_t n;

	text_reserve(t, room);
	do
		n = recv(JOB_FD, t->data + t->len, room, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ECONNRESET)
		return 0;
	if (n < 0)
		return err_errno(err, "job socket");
	t->len += (size_t)n;
	return n;
}

int job_socket_receive(struct text *message, struct err *err)
{
	size_t size = 0;

	text_clear(message);
	for (;;) {
		ssize_t n = receive_some(message, size ? size - message->len : FIRST_READ, err);

		if (n <= 0)
			return (int)n;
		if (!size && message->len >= sizeof(struct job_head)) {
			size = job_message_size(message->data, err);
			if (size == 0)
				return -1;
		}
		if (size && message->len >= size)
			return 1;
	}
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
