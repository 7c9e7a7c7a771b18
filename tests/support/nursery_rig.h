/*
 * nursery_rig: plays droverd for a real nursery, without Redis. For one test program at a time:
 * everything here aborts the test where the rig itself does not work.
 */
#ifndef DROVER_TESTS_NURSERY_RIG_H
#define DROVER_TESTS_NURSERY_RIG_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "wire/job_message.h"
#include "wire/nursery.h"

/* Of this process alone: an undertaker of another test running meanwhile must not mean us. */
static inline const char *rig_lease(void)
{
	static char lease[40];

	snprintf(lease, sizeof lease, "rig:%d:0123", getpid());
	return lease;
}

/* Set before rig_start: what a container's seccomp profile does to clone3. */
static int rig_refuse_clone3;

/* Of the next job that is sent. */
static const char *rig_token = "pool.1.1";

struct rig {
	int socket;
	pid_t pid;
	char hello[NURSERY_MESSAGE_MAX + 1];
};

struct rig_child {
	int socket, output;
	pid_t pid; /* 0: end of file before hello */
};

struct rig_end {
	int status; /* of waitpid */
	struct text output, lines;
};

/* A file of the build folder this test stands in. */
static inline const char *rig_path(const char *name)
{
	static char paths[8][PATH_MAX];
	static int next;
	char *path = paths[next++ % 8];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	ck_assert_int_gt(n, 0);
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	strcpy(strrchr(path, '/') + 1, name);
	return path;
}

static inline void rig_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};

	prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(125);
}

/* `argv` without --lease; `env` beside the lease, may be NULL. Takes the first message. */
static inline void rig_start(
	struct rig *r, const char *program, const char *module, const char *env)
{
	char *lease = strdup(rig_lease());
	char mark[60];
	const char *argv[] = {program, "--lease", lease, module, NULL};
	const char *list[] = {mark, env, NULL};
	int pair[2];
	ssize_t n;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	snprintf(mark, sizeof mark, "DROVER_LEASE=%s", lease);
	r->pid = fork();
	if (r->pid == 0) {
		int end = fcntl(pair[1], F_DUPFD, 10);

		dup2(end, NURSERY_FD);
		fcntl(end, F_SETFD, FD_CLOEXEC);
		if (rig_refuse_clone3)
			rig_filter();
		execve(program, (char **)(uintptr_t)argv, (char **)(uintptr_t)list);
		_exit(126);
	}
	free(lease);
	close(pair[1]);
	r->socket = pair[0];
	n = recv(r->socket, r->hello, sizeof r->hello - 1, 0);
	ck_assert_int_ge(n, 0);
	r->hello[n] = '\0';
}

static inline void rig_ask(struct rig *r, const void *packet, size_t len, const int *fds, size_t n)
{
	char control[CMSG_SPACE(4 * sizeof(int))] = {0};
	struct iovec v = {(void *)(uintptr_t)packet, len};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (n > 0) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(r->socket, &m, MSG_NOSIGNAL), (ssize_t)len);
}

/* Waits for hello; the pid is who sent it, as the kernel says. */
static inline pid_t rig_take_hello(int socket)
{
	char bytes[sizeof JOB_HELLO] = "", control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec v = {bytes, sizeof JOB_HELLO - 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control};
	struct ucred from;

	m.msg_controllen = sizeof control;
	if (recvmsg(socket, &m, 0) <= 0)
		return 0;
	ck_assert_str_eq(bytes, JOB_HELLO);
	ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&m));
	memcpy(&from, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof from);
	return from.pid;
}

/* `cgroup`: a folder to be born in, or -1. */
static inline struct rig_child rig_spawn_in(struct rig *r, int cgroup)
{
	struct nursery_spawn s = {.message = NURSERY_SPAWN, .worker = 3, .serial = 77};
	struct rig_child c;
	int pair[2], output[2], on = 1;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
	ck_assert_int_eq(pipe2(output, O_CLOEXEC), 0);
	if (cgroup >= 0)
		s.flags = NURSERY_SPAWN_CGROUP;
	rig_ask(r, &s, sizeof s, (int[]){pair[1], output[1], cgroup}, cgroup >= 0 ? 3 : 2);
	close(pair[1]);
	close(output[1]);
	c = (struct rig_child){pair[0], output[0], rig_take_hello(pair[0])};
	return c;
}

static inline struct rig_child rig_spawn(struct rig *r)
{
	return rig_spawn_in(r, -1);
}

/* Limits that change nothing. */
static inline struct job_limits rig_limits(enum job_handler handler)
{
	return (struct job_limits){.open_files = JOB_NO_LIMIT,
		.core_bytes = JOB_NO_LIMIT,
		.cpu_s = JOB_NO_LIMIT,
		.address_space_bytes = JOB_NO_LIMIT,
		.uid = UINT32_MAX,
		.gid = UINT32_MAX,
		.handler = handler,
		.subreaper = 1,
		.reuse = 1};
}

/* What comes with an `each`. */
struct rig_each {
	struct job_each_source source;
	const char *cursor; /* NULL: from the beginning */
	int fds[2];	    /* -1: not sent */
};

/* The first byte carries the descriptors. */
static inline void rig_send_bytes(int socket, struct span bytes, const int *fds, size_t n)
{
	char control[CMSG_SPACE(2 * sizeof(int))] = {0};

	while (bytes.len > 0) {
		struct iovec v = {(void *)(uintptr_t)bytes.at, bytes.len};
		struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
		struct cmsghdr *c;
		ssize_t sent;

		if (n > 0) {
			m.msg_control = control;
			m.msg_controllen = CMSG_SPACE(n * sizeof(int));
			c = CMSG_FIRSTHDR(&m);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(n * sizeof(int));
			memcpy(CMSG_DATA(c), fds, n * sizeof(int));
		}
		sent = sendmsg(socket, &m, MSG_NOSIGNAL);
		ck_assert_int_gt(sent, 0);
		bytes.at += sent;
		bytes.len -= (size_t)sent;
		n = 0;
	}
}

static inline void rig_send_each(int socket, const struct job_class_source *class, struct span args,
	const struct rig_each *each)
{
	struct job_source job = {.counts = {.attempt = 2, .interruptions = 1, .recoveries = 0},
		.jid = SPAN_LIT("jid-1"),
		.class_name = SPAN_LIT("Sample"),
		.queue = SPAN_LIT("default"),
		.origin = SPAN_LIT("retry"),
		.token = span_of(rig_token),
		.lease = span_of(rig_lease()),
		.cursor = span_of(each ? each->cursor : NULL),
		.each = each ? &each->source : NULL,
		.args = args};
	struct text part = {0}, message = {0};
	size_t n = 0;

	while (each && n < 2 && each->fds[n] >= 0)
		n++;
	job_message_add_class(&part, class);
	job_message_add(&message, (struct span){part.data, part.len}, &job);
	rig_send_bytes(
		socket, (struct span){message.data, message.len}, each ? each->fds : NULL, n);
	text_fini(&part);
	text_fini(&message);
}

static inline void rig_send(int socket, const struct job_class_source *class, struct span args)
{
	rig_send_each(socket, class, args, NULL);
}

/* One line from the job, with its newline; cut at `size` bytes. */
static inline const char *rig_line_of(int fd, size_t size)
{
	static char line[65536];
	size_t len = 0;

	do
		ck_assert_int_eq(read(fd, line + len, 1), 1);
	while (line[len++] != '\n' && len < size - 1);
	line[len] = '\0';
	return line;
}

static inline const char *rig_line(int fd)
{
	return rig_line_of(fd, 4096);
}

/* Takes what is there now. */
static inline void rig_drain(int fd, struct text *into)
{
	char bytes[65536];
	struct pollfd p = {fd, POLLIN, 0};

	while (poll(&p, 1, 0) > 0) {
		ssize_t n = read(fd, bytes, sizeof bytes);

		if (n <= 0)
			break;
		text_add(into, bytes, (size_t)n);
	}
}

/* Waits for the end of the child; gathers what it says meanwhile. */
static inline struct rig_end rig_await(struct rig_child *c)
{
	struct rig_end end = {0};
	int held = (int)syscall(SYS_pidfd_open, c->pid, 0);
	struct pollfd p[] = {{held, POLLIN, 0}, {c->output, POLLIN, 0}, {c->socket, POLLIN, 0}};

	ck_assert_int_ge(held, 0);
	while (!(p[0].revents & POLLIN)) {
		ck_assert_int_gt(poll(p, 3, -1), 0);
		for (int i = 1; i < 3; i++) {
			if (p[i].revents)
				rig_drain(p[i].fd, i == 1 ? &end.output : &end.lines);
			if (p[i].revents & POLLHUP)
				p[i].fd = -1;
		}
	}
	rig_drain(c->output, &end.output);
	rig_drain(c->socket, &end.lines);
	ck_assert_int_eq(waitpid(c->pid, &end.status, 0), c->pid);
	close(held);
	close(c->output);
	close(c->socket);
	text_reserve(&end.output, 0);
	text_reserve(&end.lines, 0);
	return end;
}

static inline struct rig_end rig_perform(
	struct rig *r, const struct job_class_source *class, struct span args)
{
	struct rig_child c = rig_spawn(r);

	ck_assert_int_gt(c.pid, 0);
	rig_send(c.socket, class, args);
	return rig_await(&c);
}

static inline int rig_exit_status(const struct rig_end *end)
{
	return WIFEXITED(end->status) ? WEXITSTATUS(end->status) : -WTERMSIG(end->status);
}

static inline void rig_end_fini(struct rig_end *end)
{
	text_fini(&end->output);
	text_fini(&end->lines);
}

/* Hangs up and waits for the nursery's end; nothing of it may be left. */
static inline int rig_stop(struct rig *r)
{
	int status;

	close(r->socket);
	ck_assert_int_eq(waitpid(r->pid, &status, 0), r->pid);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#endif
