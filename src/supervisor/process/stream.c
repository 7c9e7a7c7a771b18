/* stream: see stream.h. droverd. */
#include "supervisor/process/stream.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/process/spawn.h"
#include "wire/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert((int)STREAM_FD == (int)SPAWN_FD, "it is started with its socket there");

#define PROGRAM "drover-items"

struct stream {
	struct streams *all;
	struct stream *next;
	pid_t pid; /* 0: reaped */
	int pidfd;
	bool forgotten; /* by its owner: it goes once it is reaped */
	struct event *ev_pid;
};

struct streams {
	struct event_base *base;
	struct pid_set *known;
	struct stream *first;
};

struct streams *streams_new(struct event_base *base, struct pid_set *known)
{
	struct streams *all = must_alloc(sizeof *all);

	all->base = base;
	all->known = known;
	return all;
}

/* -- the end of one -------------------------------------------------------------------------------- */

static void forget_process(struct stream *s)
{
	pid_set_put(s->all->known, s->pid, false);
	s->pid = 0;
	event_free(s->ev_pid);
	s->ev_pid = NULL;
	close(s->pidfd);
	s->pidfd = -1;
}

static void destroy(struct stream *s)
{
	for (struct stream **p = &s->all->first; *p; p = &(*p)->next)
		if (*p == s) {
			*p = s->next;
			break;
		}
	if (s->pid > 0)
		forget_process(s);
	free(s);
}

/* With its child's end of the socket it ends with 0. */
static void say_death(const struct stream *s, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED && info->si_status == 0)
		return;
	log_event(LOG_WARN, "items.lost", LOG_NUM("pid", s->pid),
		info->si_code == CLD_EXITED ? LOG_NUM("status", info->si_status)
					    : LOG_NUM("signal", info->si_status));
}

static void on_death(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	siginfo_t info = {0};

	(void)what;
	if (syscall(SYS_waitid, P_PIDFD, fd, &info, WEXITED | WNOHANG, NULL) < 0 ||
		info.si_pid == 0)
		return;
	if (!s->forgotten)
		say_death(s, &info);
	forget_process(s);
	if (s->forgotten)
		destroy(s);
}

static void end_process(const struct stream *s)
{
	if (s->pid > 0)
		kill(s->pid, SIGKILL); /* not reaped yet: the number is still its own */
}

void stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	must(!s->forgotten);
	s->forgotten = true;
	end_process(s);
	if (s->pid == 0)
		destroy(s);
}

void streams_free(struct streams *all)
{
	if (all == NULL)
		return;
	while (all->first) {
		end_process(all->first);
		destroy(all->first);
	}
	free(all);
}

pid_t stream_pid(const struct stream *s)
{
	return s->pid;
}

/* -- the beginning of one -------------------------------------------------------------------------- */

/* What a TLS library is told by the environment where certificates are; nothing else of ours. */
static void launch_environment(char *env[static 4])
{
	static const char *const NAMES[] = {"SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"};
	size_t n = 0;

	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		if (getenv(NAMES[i]))
			env[n++] = must_printf("%s=%s", NAMES[i], getenv(NAMES[i]));
	env[n] = NULL;
}

static int launch(struct stream *s, int theirs, struct err *err)
{
	char *program = spawn_find(PROGRAM, err), *argv[] = {program, NULL}, *env[4];
	struct spawned spawned;
	int rc;

	if (program == NULL)
		return -1;
	launch_environment(env);
	rc = spawn_program(&spawned, argv, env, theirs, err);
	for (char **p = env; *p; p++)
		free(*p);
	free(program);
	if (rc < 0)
		return -1;
	s->pid = spawned.pid;
	s->pidfd = spawned.pidfd;
	return 0;
}

/* It fits into an empty socket as a whole, or it is too long: nobody waits. */
static int say_spec(int fd, const struct stream_spec *spec, struct err *err)
{
	struct text bytes = {0};
	ssize_t n;
	int rc = 0;

	stream_spec_add(&bytes, spec);
	do
		n = bytes.len > STREAM_SPEC_MAX
			    ? (errno = EMSGSIZE, -1)
			    : send(fd, bytes.data, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		rc = err_errno(err, "telling %s what to serve", PROGRAM);
	else if ((size_t)n < bytes.len)
		rc = err_set(err, "telling %s what to serve: it does not fit", PROGRAM);
	explicit_bzero(bytes.data, bytes.cap); /* there may be a password in it */
	text_fini(&bytes);
	return rc;
}

static void enter(struct streams *all, struct stream *s)
{
	s->all = all;
	s->next = all->first;
	all->first = s;
	s->ev_pid = event_new(all->base, s->pidfd, EV_READ | EV_PERSIST, on_death, s);
	must(s->ev_pid != NULL);
	event_add(s->ev_pid, NULL);
	pid_set_put(all->known, s->pid, true);
}

struct stream *stream_start(
	struct streams *all, const struct stream_spec *spec, int *theirs, struct err *err)
{
	struct stream *s = must_alloc(sizeof *s);
	int pair[2] = {-1, -1};

	*theirs = -1;
	if (spawn_pair(SOCK_STREAM, pair, err) == 0 && say_spec(pair[0], spec, err) == 0 &&
		launch(s, pair[1], err) == 0) {
		close(pair[1]);
		*theirs = pair[0];
		enter(all, s);
		return s;
	}
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
	free(s);
	return NULL;
}
