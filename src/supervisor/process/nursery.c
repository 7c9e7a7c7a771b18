/* nursery: see nursery.h. droverd. */
#include "supervisor/process/nursery.h"
#include "base/log.h"
#include "base/must.h"
#include "base/text.h"
#include "supervisor/process/spawn.h"
#include "wire/nursery.h"

#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert((int)NURSERY_FD == (int)SPAWN_FD, "it is started with its socket there");

enum { DELAY_FIRST_MS = 100, DELAY_MAX_MS = 30000 };

struct nursery {
	struct event_base *base;
	char **argv, **env;
	const struct nursery_events *events;
	void *ctx;
	pid_t pid;
	int sock, pidfd;
	bool ready, failed, retired, cannot_preload;
	int delay_ms;
	char last_error[512];
	struct event *ev_sock, *ev_pid, *ev_again;
};

static char **copy_words(char *const *words)
{
	size_t n = 0;
	char **copy;

	while (words[n])
		n++;
	copy = must_alloc((n + 1) * sizeof *copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = must_strdup(words[i]);
	return copy;
}

static void free_words(char **words)
{
	for (char **p = words; *p; p++)
		free(*p);
	free(words);
}

static void drop_event(struct event **ev)
{
	if (*ev)
		event_free(*ev);
	*ev = NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void forget_process(struct nursery *n)
{
	drop_event(&n->ev_sock);
	drop_event(&n->ev_pid);
	close_fd(&n->sock);
	close_fd(&n->pidfd);
	n->pid = 0;
	n->ready = false;
}

/* Said loudly once; later deaths in a row only at debug, until it stands again. */
static void lose(struct nursery *n, const struct err *why)
{
	struct timeval tv;

	forget_process(n);
	log_event(n->failed ? LOG_DEBUG : LOG_ERROR, "nursery.lost", LOG_STR("program", n->argv[0]),
		LOG_STR("error", why->text), LOG_NUM("again_in_ms", n->delay_ms));
	n->failed = true;
	snprintf(n->last_error, sizeof n->last_error, "%s", why->text);
	tv.tv_sec = n->delay_ms / 1000;
	tv.tv_usec = n->delay_ms % 1000 * 1000;
	n->delay_ms = n->delay_ms * 2 > DELAY_MAX_MS ? DELAY_MAX_MS : n->delay_ms * 2;
	event_add(n->ev_again, &tv);
	n->events->lost(n->ctx, n, why);
}

static void on_death(evutil_socket_t fd, short what, void *arg)
{
	struct nursery *n = arg;
	siginfo_t info = {0};
	struct err err;

	(void)what;
	if (syscall(SYS_waitid, P_PIDFD, fd, &info, WEXITED | WNOHANG, NULL) < 0 ||
		info.si_pid == 0)
		return;
	if (n->retired) {
		n->events->gone(n->ctx, n);
		nursery_free(n);
		return;
	}
	if (n->last_error[0] && !n->ready)
		err_set(&err, "%s", n->last_error);
	else if (info.si_code == CLD_EXITED)
		err_set(&err, "the nursery exited with status %d", info.si_status);
	else
		err_set(&err, "the nursery was ended by signal %d (%s)", info.si_status,
			strsignal(info.si_status));
	lose(n, &err);
}

static void read_hello(struct nursery *n, const char *bytes, size_t len)
{
	json_error_t where;
	json_t *root = json_loadb(bytes, len, 0, &where);
	json_t *hello = json_object_get(root, "hello");
	const char *error =
		json_string_value(json_object_get(json_object_get(root, "failed"), "error"));

	if (hello && json_integer_value(json_object_get(hello, "protocol")) == NURSERY_PROTOCOL) {
		n->ready = true;
		n->failed = n->cannot_preload = false;
		n->last_error[0] = '\0';
		n->delay_ms = DELAY_FIRST_MS;
		log_event(LOG_INFO, "nursery.ready", LOG_STR("program", n->argv[0]),
			LOG_NUM("pid", n->pid));
		n->events->ready(n->ctx, n);
	} else {
		n->cannot_preload = error != NULL;
		snprintf(n->last_error, sizeof n->last_error, "%s",
			error ? error : "it said something that is no hello of this version");
	}
	json_decref(root);
}

static void read_refusal(struct nursery *n, const char *bytes)
{
	struct nursery_refused r;
	struct err err;

	memcpy(&r, bytes, sizeof r);
	r.stage[sizeof r.stage - 1] = '\0';
	err_set(&err, "%s: %s", r.stage, strerror(r.error));
	n->events->refused(n->ctx, r.serial, &err);
}

/* A nursery's nonsense is a warning: it may be in another language. */
static void on_message(evutil_socket_t fd, short what, void *arg)
{
	struct nursery *n = arg;
	static char bytes[NURSERY_MESSAGE_MAX];
	ssize_t len = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	uint32_t kind = 0;

	(void)what;
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0 || n->retired) {
		event_del(n->ev_sock); /* its death is told by the pidfd */
		return;
	}
	if ((size_t)len >= sizeof kind)
		memcpy(&kind, bytes, sizeof kind);
	if (kind == NURSERY_REFUSED && len == sizeof(struct nursery_refused))
		read_refusal(n, bytes);
	else if (!n->ready && bytes[0] == '{')
		read_hello(n, bytes, (size_t)len);
	else
		log_event(LOG_WARN, "nursery.nonsense", LOG_STR("program", n->argv[0]),
			LOG_NUM("bytes", len));
}

void nursery_start(struct nursery *n)
{
	int pair[2] = {-1, -1};
	struct spawned spawned;
	struct err err;

	if (spawn_pair(SOCK_SEQPACKET, pair, &err) < 0 ||
		spawn_program(&spawned, n->argv, n->env, pair[1], &err) < 0) {
		close_fd(&pair[0]);
		close_fd(&pair[1]);
		lose(n, &err);
		return;
	}
	close(pair[1]);
	n->pid = spawned.pid;
	n->pidfd = spawned.pidfd;
	n->sock = pair[0];
	n->last_error[0] = '\0';
	n->ev_sock = event_new(n->base, n->sock, EV_READ | EV_PERSIST, on_message, n);
	n->ev_pid = event_new(n->base, n->pidfd, EV_READ | EV_PERSIST, on_death, n);
	event_add(n->ev_sock, NULL);
	event_add(n->ev_pid, NULL);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	nursery_start(arg);
}

struct nursery *nursery_new(struct event_base *base, char *const *argv, char *const *env,
	const struct nursery_events *events, void *ctx)
{
	struct nursery *n = must_alloc(sizeof *n);

	*n = (struct nursery){.base = base,
		.argv = copy_words(argv),
		.env = copy_words(env),
		.events = events,
		.ctx = ctx,
		.sock = -1,
		.pidfd = -1,
		.delay_ms = DELAY_FIRST_MS};
	n->ev_again = evtimer_new(base, on_again, n);
	return n;
}

/* One that has not preloaded, or has too much to do to hear us; what it owes fails by itself. */
static void end_now(const struct nursery *n)
{
	if (n->pid > 0)
		kill(n->pid, SIGKILL);
}

void nursery_retire(struct nursery *n)
{
	const uint32_t message = NURSERY_RETIRE;
	bool stood = n->ready;

	n->retired = true;
	n->ready = false;
	event_del(n->ev_again);
	if (n->sock < 0) {
		n->events->gone(n->ctx, n);
		nursery_free(n);
		return;
	}
	if (!stood || send(n->sock, &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		end_now(n);
}

void nursery_free(struct nursery *n)
{
	if (n == NULL)
		return;
	if (!n->ready && !n->retired)
		end_now(n); /* it may hang in a preload, and would never see the end of its socket */
	forget_process(n);
	drop_event(&n->ev_again);
	free_words(n->argv);
	free_words(n->env);
	free(n);
}

void nursery_listen(struct nursery *n, const struct nursery_events *events)
{
	n->events = events;
}

bool nursery_is_ready(const struct nursery *n)
{
	return n && n->ready;
}

bool nursery_cannot_preload(const struct nursery *n)
{
	return n->cannot_preload;
}

const char *nursery_last_error(const struct nursery *n)
{
	return n->last_error;
}

pid_t nursery_pid(const struct nursery *n)
{
	return n ? n->pid : 0;
}

static void add_descriptors(struct msghdr *msg, const int *fds, size_t n)
{
	struct cmsghdr *m = CMSG_FIRSTHDR(msg);

	m->cmsg_level = SOL_SOCKET;
	m->cmsg_type = SCM_RIGHTS;
	m->cmsg_len = CMSG_LEN(n * sizeof *fds);
	memcpy(CMSG_DATA(m), fds, n * sizeof *fds);
	msg->msg_controllen = CMSG_SPACE(n * sizeof *fds);
}

/* One packet with up to three descriptors. */
static int tell(struct nursery *n, void *bytes, size_t len, const int *fds, size_t n_fds)
{
	union {
		char space[CMSG_SPACE(3 * sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {bytes, len};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	ssize_t rc;

	add_descriptors(&msg, fds, n_fds);
	do
		rc = n->sock < 0 ? (errno = ENOTCONN, -1)
				 : sendmsg(n->sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -1 : 0;
}

int nursery_spawn(struct nursery *n, unsigned worker, uint64_t serial, const int theirs[2],
	int cgroup_fd, struct err *err)
{
	struct nursery_spawn spawn = {.message = NURSERY_SPAWN,
		.worker = worker,
		.serial = serial,
		.flags = cgroup_fd >= 0 ? NURSERY_SPAWN_CGROUP : 0};
	const int fds[3] = {theirs[0], theirs[1], cgroup_fd};
	int done = tell(n, &spawn, sizeof spawn, fds, cgroup_fd >= 0 ? 3 : 2);

	if (done < 0)
		err_errno(err, "asking the nursery for a process");
	close(theirs[0]);
	close(theirs[1]);
	return done;
}

int nursery_watch(struct nursery *n, int board, struct err *err)
{
	uint32_t word = NURSERY_WATCH;

	if (tell(n, &word, sizeof word, &board, 1) < 0)
		return err_errno(err, "telling the nursery of an exclusive job");
	return 0;
}
