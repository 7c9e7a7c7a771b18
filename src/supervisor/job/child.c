/*
 * child: see child.h. droverd. Nothing here waits: a child that does not read or answer must
 * never hold up a beat.
 */
#include "supervisor/job/child.h"
#include "base/must.h"
#include "wire/job_line.h"
#include "wire/job_message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	READ_SIZE = 65536,
	UNREAD_MAX = 65536,
	LAST_READS = 16, /* at an exit: a leftover that goes on writing must not keep us */
};

/* For all children: what is read is handed on before the same is read again. Two, because the end of
   a job in a line has its output read while that line's buffer is still walked. */
static char line_buffer[READ_SIZE], output_buffer[READ_SIZE];

void child_init(
	struct child *c, struct event_base *base, const struct child_events *events, void *owner)
{
	*c = (struct child){
		.sock = -1, .out = -1, .pidfd = -1, .base = base, .events = events, .owner = owner};
}

static void close_event_fd(int *fd, struct event *ev)
{
	if (*fd < 0)
		return;
	event_del(ev);
	close(*fd);
	*fd = -1;
}

void child_close(struct child *c)
{
	if (c->sock >= 0)
		event_del(&c->ev_write);
	close_event_fd(&c->sock, &c->ev_sock);
	close_event_fd(&c->out, &c->ev_out);
	close_event_fd(&c->pidfd, &c->ev_pid);
	text_fini(&c->line);
	text_fini(&c->pending);
	c->state = CHILD_NONE;
	c->pid = 0;
	c->dismissed = c->sock_ended = false;
}

/* -- what it says and prints ---------------------------------------------------------------------- */

static void tell_lines(struct child *c, const char *p, size_t len)
{
	const char *end = p + len;

	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((stop ? stop : end) - p);

		if (stop == NULL || c->line.len > 0) {
			/* What is too long to be a line is told cut off, and refused as such. */
			if (c->line.len <= JOB_LINE_MAX)
				text_add(&c->line, p, n);
		}
		if (stop == NULL)
			break;
		if (c->line.len > 0) {
			c->events->line(c->owner, (struct span){c->line.data, c->line.len});
			text_clear(&c->line);
		} else {
			c->events->line(c->owner, (struct span){p, n});
		}
		p = stop + 1;
	}
}

/* False at the end of file, and when there is nothing to read now (`*again`). */
static bool read_some(int fd, bool is_socket, ssize_t *n, bool *again)
{
	do
		*n = is_socket ? recv(fd, line_buffer, READ_SIZE, MSG_DONTWAIT)
			       : read(fd, output_buffer, READ_SIZE);
	while (*n < 0 && errno == EINTR);
	*again = *n < 0 && errno == EAGAIN;
	return *n > 0;
}

static void read_output(struct child *c, int rounds)
{
	ssize_t n;
	bool again;

	while (rounds-- > 0 && c->out >= 0) {
		if (read_some(c->out, false, &n, &again)) {
			c->events->output(c->owner, (struct span){output_buffer, (size_t)n});
			continue;
		}
		if (!again)
			close_event_fd(&c->out, &c->ev_out);
		return;
	}
}

static void read_lines(struct child *c, int rounds)
{
	ssize_t n;
	bool again;

	while (rounds-- > 0 && c->sock >= 0 && !c->sock_ended && c->state != CHILD_SPAWNING) {
		if (read_some(c->sock, true, &n, &again)) {
			tell_lines(c, line_buffer, (size_t)n);
			continue;
		}
		c->sock_ended = !again;
		return;
	}
}

static void on_output(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	read_output(arg, 1);
}

/* -- hello ----------------------------------------------------------------------------------------- */

static void never_came(struct child *c, const char *why)
{
	struct err err;

	err_set(&err, "%s", why);
	child_close(c);
	c->events->failed(c->owner, &err);
}

static int reap(int pidfd, siginfo_t *info, struct rusage *usage, int flags)
{
	return (int)syscall(SYS_waitid, P_PIDFD, pidfd, info, WEXITED | flags, usage);
}

/* Everything it still had to say is read before the end is told: the exit is sometimes seen first. */
static bool look_for_exit(struct child *c)
{
	siginfo_t info = {0};
	struct child_exit exit = {.pid = c->pid};

	if (reap(c->pidfd, &info, &exit.usage, WNOHANG) < 0 || info.si_pid == 0)
		return false;
	if (info.si_code == CLD_EXITED)
		exit.code = info.si_status;
	else
		exit.signal = info.si_status;
	read_lines(c, LAST_READS);
	read_output(c, LAST_READS);
	child_close(c);
	c->events->exited(c->owner, &exit);
	return true;
}

static void on_exit_of(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	look_for_exit(arg);
}

static pid_t sender_of(struct msghdr *msg)
{
	for (struct cmsghdr *m = CMSG_FIRSTHDR(msg); m; m = CMSG_NXTHDR(msg, m)) {
		struct ucred who;

		if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&who, CMSG_DATA(m), sizeof who);
		return who.pid;
	}
	return 0;
}

static bool adopt_pid(struct child *c, pid_t pid)
{
	if (pid <= 0)
		return false;
	c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* safe: nobody but us can reap it */
	if (c->pidfd < 0)
		return false;
	c->pid = pid;
	event_assign(&c->ev_pid, c->base, c->pidfd, EV_READ | EV_PERSIST, on_exit_of, c);
	event_add(&c->ev_pid, NULL);
	return true;
}

static void read_hello(struct child *c)
{
	char bytes[sizeof JOB_HELLO - 1];
	union {
		char space[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {bytes, sizeof bytes};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	ssize_t n = recvmsg(c->sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != (ssize_t)sizeof bytes || memcmp(bytes, JOB_HELLO, sizeof bytes) != 0) {
		never_came(c, "the new process ended before it said hello");
		return;
	}
	if (!adopt_pid(c, sender_of(&msg))) {
		never_came(c, "the new process was gone when it had said hello");
		return;
	}
	c->state = CHILD_IDLE;
	c->events->hello(c->owner);
}

/* The end of file is the first sign of an exit; where it is not that, it is the job's own affair. */
static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd, (void)what;
	if (c->state == CHILD_SPAWNING) {
		read_hello(c);
		return;
	}
	read_lines(c, 1);
	if (c->sock >= 0 && c->sock_ended && !look_for_exit(c))
		event_del(&c->ev_sock);
}

/* -- what it is told ------------------------------------------------------------------------------- */

static void write_pending(struct child *c)
{
	while (c->pending.len > 0) {
		ssize_t n =
			send(c->sock, c->pending.data, c->pending.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			event_add(&c->ev_write, NULL);
			return;
		}
		if (n < 0)
			break; /* its end is closed; its exit will be told by the pidfd */
		text_drop_front(&c->pending, (size_t)n);
	}
	text_fini(&c->pending);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	write_pending(arg);
}

/* With the first byte, which an empty socket takes; so they need not be kept. */
static void send_descriptors(struct child *c, const int *fds, int n_fds)
{
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {c->pending.data, c->pending.len};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE((size_t)n_fds * sizeof(int))};
	struct cmsghdr *m = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	m->cmsg_level = SOL_SOCKET;
	m->cmsg_type = SCM_RIGHTS;
	m->cmsg_len = CMSG_LEN((size_t)n_fds * sizeof(int));
	memcpy(CMSG_DATA(m), fds, (size_t)n_fds * sizeof(int));
	do
		n = sendmsg(c->sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		text_drop_front(&c->pending, (size_t)n);
}

void child_give_job(struct child *c, struct text *message, const int *fds, int n_fds)
{
	must(c->state == CHILD_IDLE && !c->dismissed && n_fds <= 2);
	c->state = CHILD_BUSY;
	text_fini(&c->pending);
	c->pending = *message;
	*message = (struct text){0};
	if (n_fds > 0)
		send_descriptors(c, fds, n_fds);
	write_pending(c);
}

void child_job_done(struct child *c)
{
	must(c->state == CHILD_BUSY);
	c->state = CHILD_IDLE;
	text_clear(&c->line);
	read_output(c, LAST_READS);
}

void child_say(struct child *c, const char *line)
{
	if (c->sock < 0 || c->pending.len > UNREAD_MAX)
		return; /* it asks and asks and reads nothing */
	text_add_str(&c->pending, line);
	write_pending(c);
}

void child_dismiss(struct child *c)
{
	if (c->sock >= 0 && !c->dismissed)
		shutdown(c->sock, SHUT_WR);
	c->dismissed = true;
}

void child_signal_group(const struct child *c, int signal)
{
	if (c->pid > 0 && kill(-c->pid, signal) < 0)
		kill(c->pid, signal); /* it has no group of its own yet */
}

/* -- birth ----------------------------------------------------------------------------------------- */

/* Our end of the socket must ask for credentials before the other end is given away. */
static int make_socket(struct child *c, int *theirs)
{
	int pair[2], on = 1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	c->sock = pair[0];
	*theirs = pair[1];
	return setsockopt(c->sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}

static int make_pipe(struct child *c, int *theirs)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	c->out = pair[0];
	*theirs = pair[1];
	return fcntl(c->out, F_SETFL, O_NONBLOCK);
}

int child_prepare(struct child *c, uint64_t serial, int theirs[2], struct err *err)
{
	must(c->state == CHILD_NONE);
	theirs[0] = theirs[1] = -1;
	if (make_socket(c, &theirs[0]) < 0 || make_pipe(c, &theirs[1]) < 0) {
		err_errno(err, "socket and pipe for a new process");
		for (int i = 0; i < 2; i++)
			if (theirs[i] >= 0)
				close(theirs[i]);
		if (c->sock >= 0)
			close(c->sock);
		if (c->out >= 0)
			close(c->out);
		c->sock = c->out = -1;
		return -1;
	}
	c->serial = serial;
	c->state = CHILD_SPAWNING;
	event_assign(&c->ev_sock, c->base, c->sock, EV_READ | EV_PERSIST, on_socket, c);
	event_assign(&c->ev_write, c->base, c->sock, EV_WRITE, on_writable, c);
	event_assign(&c->ev_out, c->base, c->out, EV_READ | EV_PERSIST, on_output, c);
	event_add(&c->ev_sock, NULL);
	event_add(&c->ev_out, NULL);
	return 0;
}

void child_abandon(struct child *c)
{
	must(c->state == CHILD_SPAWNING);
	child_close(c);
}
