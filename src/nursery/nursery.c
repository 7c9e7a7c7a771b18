/*
 * nursery: the loop of the process that forks. It takes one spawn, clones, closes what came with
 * it, then takes the next: no child ever holds a descriptor of another. It runs no code of a job
 * but preload hooks, knows no class and no limit, and keeps no list of its children: they are
 * droverd's.
 */
#include "nursery/nursery.h"

#include "base/crash.h"
#include "nursery/child.h"
#include "nursery/clone.h"
#include "nursery/deadline.h"
#include "nursery/facts.h"
#include "nursery/job_socket.h"
#include "wire/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 3 };

/* A spawn as it came. */
struct request {
	struct nursery_spawn spawn;
	int fds[DESCRIPTORS_MAX];
	size_t n_fds;
};

/* -- beginning --------------------------------------------------------------------------------- */

/* Children inherit 0 as it is. 1 and 2 stay droverd's, for last words. */
static int open_descriptors(struct err *err)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		return err_errno(err, "/dev/null");
	while (null <= STDERR_FILENO) { /* none of the three may be left for a socket to take */
		null = dup(null);
		if (null < 0)
			return err_errno(err, "/dev/null");
	}
	dup2(null, STDIN_FILENO);
	close(null);
	return fcntl(NURSERY_FD, F_SETFD, FD_CLOEXEC);
}

/*
 * A killer for want of memory shall choose a job before droverd. Children inherit the figure, which
 * saves each of them three system calls; that it is ours too does no harm: the largest is chosen,
 * and a nursery can be made again.
 */
static void offer_to_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "500", 3) != 3)
		(void)0; /* best effort */
	close(fd);
}

static int check_socket(struct err *err)
{
	int type = 0;
	socklen_t size = sizeof type;

	if (getsockopt(NURSERY_FD, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
		type == SOCK_SEQPACKET)
		return 0;
	return err_set(err, "descriptor %d is no socket of droverd, which starts this program",
		NURSERY_FD);
}

/*
 * By a raw call, for 32 and 33: libc keeps those to itself, refuses to set them, and yet its
 * posix_spawn leaves them ignored in what it starts, make's children for one. All that the kernel
 * looks at is zero: the default, no flags, no mask.
 */
static void default_signal(int number)
{
	const unsigned long action[8] = {0};

	syscall(SYS_rt_sigaction, number, action, NULL, NSIG / 8);
}

/*
 * What our starter ignored is at its default again, for the children. What would end us early is
 * blocked rather than ignored: one call undoes it in a child, instead of one a signal.
 */
static void settle_signals(void)
{
	const int blocked[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	sigset_t ours;

	for (int i = 1; i < NSIG; i++)
		default_signal(i);
	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++)
		sigaddset(&ours, blocked[i]);
	sigprocmask(SIG_SETMASK, &ours, NULL);
}

pid_t nursery_open(struct err *err)
{
	if (check_socket(err) != 0 || open_descriptors(err) != 0)
		return -1;
	settle_signals();
	setpgid(0, 0);
	prctl(PR_SET_NAME, "drover-nursery", 0L, 0L, 0L);
	setlinebuf(stdout); /* so that a function's lines are told when they are whole */
	offer_to_oom_killer();
	return getppid();
}

/* -- talking ----------------------------------------------------------------------------------- */

static int say(const void *bytes, size_t len)
{
	ssize_t n;

	do
		n = send(NURSERY_FD, bytes, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)len ? 0 : -1;
}

void nursery_say_failed(const struct err *why)
{
	struct text t = {0};

	text_add_str(&t, "{\"failed\":{\"error\":");
	text_add_json(&t, span_of(why->text));
	text_add_str(&t, "}}");
	say(t.data, t.len);
	text_fini(&t);
}

static int say_hello(const struct facts *f, struct span functions, struct err *err)
{
	struct text t = {0};
	int done;

	text_addf(&t, "{\"hello\":{\"protocol\":%d,\"kind\":\"c\",\"pid\":%d,\"threads\":%u,",
		NURSERY_PROTOCOL, (int)getpid(), f->threads);
	text_add_str(&t, "\"functions\":");
	text_add_span(&t, functions);
	text_add_str(&t, "}}");
	if (t.len > NURSERY_MESSAGE_MAX)
		done = err_set(
			err, "the functions' names take more than %d bytes", NURSERY_MESSAGE_MAX);
	else
		done = say(t.data, t.len) == 0 ? 0 : err_errno(err, "hello to droverd");
	text_fini(&t);
	return done;
}

static void refuse(const struct nursery_spawn *s, int number, const char *stage)
{
	struct nursery_refused r = {
		.message = NURSERY_REFUSED,
		.worker = s->worker,
		.serial = s->serial,
		.error = number,
	};

	snprintf(r.stage, sizeof r.stage, "%s", stage);
	say(&r, sizeof r);
}

/* -- spawns ------------------------------------------------------------------------------------ */

static void take_descriptors(struct request *r, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n && r->n_fds < DESCRIPTORS_MAX; i++)
			memcpy(&r->fds[r->n_fds++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

enum received {
	GOT_NOTHING, /* or nonsense, which was answered */
	GOT_SPAWN,
	GOT_RETIRED,
	GOT_WATCH,
	GOT_END, /* droverd is gone */
};

/* Want of memory is no end of file: what follows that would kill every job. */
static enum received receive(struct request *r)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
	} control;
	char bytes[sizeof(struct nursery_spawn) + 1]; /* one more tells a longer packet */
	struct iovec v = {bytes, sizeof bytes};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.bytes};
	struct err err;
	ssize_t n;

	r->n_fds = 0;
	m.msg_controllen = sizeof control.bytes;
	n = recvmsg(NURSERY_FD, &m, MSG_CMSG_CLOEXEC);
	if (n < 0 && errno != ECONNRESET)
		return GOT_NOTHING;
	if (n <= 0)
		return GOT_END;
	take_descriptors(r, &m);
	if (nursery_is_retire((struct span){bytes, (size_t)n}))
		return GOT_RETIRED;
	if (nursery_is_watch((struct span){bytes, (size_t)n}))
		return GOT_WATCH;
	if (nursery_spawn_parse(&r->spawn, (struct span){bytes, (size_t)n}, r->n_fds, &err) == 0 &&
		!(m.msg_flags & MSG_CTRUNC))
		return GOT_SPAWN;
	refuse(&r->spawn, m.msg_flags & MSG_CTRUNC ? EMFILE : EBADMSG, "descriptors");
	return GOT_NOTHING;
}

static void close_all(const struct request *r)
{
	for (size_t i = 0; i < r->n_fds; i++)
		close(r->fds[i]);
}

/* The descriptor is kept for the time of the watch, the others go with the request. */
static void watch(struct deadline *d, struct request *r)
{
	deadline_watch(d, r->n_fds > 0 ? r->fds[--r->n_fds] : -1);
}

static void spawn(struct facts *f, const struct request *r, const struct function_source *source)
{
	int cgroup = r->n_fds > 2 ? r->fds[2] : -1;
	bool enter;
	int made;

	CRASH_POINT("nursery.spawn");
	made = clone_child(f, cgroup, &enter);

	if (made == 0) {
		const struct child_descriptors d = {r->fds[0], r->fds[1], enter ? cgroup : -1};

		child_run(f, &d, source);
	}
	CRASH_POINT("nursery.cloned");
	if (made < 0)
		refuse(&r->spawn, errno, "fork");
}

int nursery_serve(pid_t droverd, const char *lease, struct span functions,
	const struct function_source *source, struct err *err)
{
	struct facts facts;
	struct deadline deadline;
	struct request r;
	enum received got;

	if (chdir("/") != 0)
		return err_errno(err, "/");
	if (facts_learn(&facts, droverd, err) != 0 || say_hello(&facts, functions, err) != 0)
		return -1;
	deadline_init(&deadline, lease);
	do {
		deadline_wait(&deadline, NURSERY_FD);
		got = receive(&r);
		if (got == GOT_SPAWN)
			spawn(&facts, &r, source);
		else if (got == GOT_WATCH)
			watch(&deadline, &r);
		close_all(&r);
	} while (got != GOT_END && got != GOT_RETIRED);
	deadline_fini(&deadline);
	return got == GOT_END;
}
