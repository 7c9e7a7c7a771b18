/*
 * nursery/clone: in the nursery, its last line also in the child. It must leave the child as
 * fork() would: libc's idea of its own thread is right, nothing else is touched.
 */
#include "nursery/clone.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

/* As fork() has them, but for the parent. exit_signal must be 0: the child takes over ours. */
#define FLAGS (CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)

static long clone_new(const struct facts *f, int cgroup)
{
	struct clone_args args = {
		.flags = FLAGS,
		.child_tid = (uint64_t)(uintptr_t)f->tid_address,
	};

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	return syscall(SYS_clone3, &args, sizeof args);
}

/* The last two arguments are thread area and child's id, in an order that depends on the machine;
 * the thread area is not looked at without CLONE_SETTLS. */
static long clone_old(const struct facts *f)
{
	return syscall(SYS_clone, (unsigned long)FLAGS, NULL, NULL, f->tid_address, f->tid_address);
}

/* Containers' seccomp profiles refuse clone3, whose flags they cannot see, and let clone pass. */
static long clone_direct(struct facts *f, int cgroup, bool *enter)
{
	long pid = -1;

	if (!f->clone3_refused) {
		pid = clone_new(f, cgroup);
		if (pid >= 0 || (errno != ENOSYS && errno != EPERM))
			return pid;
		f->clone3_refused = true;
	}
	*enter = cgroup >= 0;
	return clone_old(f);
}

/*
 * Waits until `middle` is gone and we are droverd's. The kernel gives a child to its new parent
 * first and sends the death signal then, so one look and one signal leave no gap.
 */
static void wait_adopted(pid_t middle)
{
	struct timespec now = {0};
	sigset_t one, before;

	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	sigprocmask(SIG_BLOCK, &one, &before);
	prctl(PR_SET_PDEATHSIG, SIGUSR1, 0L, 0L, 0L);
	while (getppid() == middle)
		sigwaitinfo(&one, NULL);
	sigtimedwait(&one, NULL, &now);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/*
 * With threads about, another one may hold a lock of malloc at the moment of the copy: only
 * libc's own fork() knows how to free it. Its parent is us, so it is done twice, and droverd, a
 * child subreaper, is handed the grandchild.
 */
static int clone_twice(int cgroup, bool *enter)
{
	pid_t middle = fork();
	pid_t child;

	if (middle < 0)
		return -1;
	if (middle > 0) {
		int status;

		while (waitpid(middle, &status, 0) < 0)
			if (errno != EINTR)
				return -1;
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
		return errno == 0 ? 1 : -1;
	}
	middle = getpid();
	child = fork();
	if (child < 0)
		_exit(errno > 0 && errno < 256 ? errno : EAGAIN);
	if (child > 0)
		_exit(0);
	wait_adopted(middle);
	*enter = cgroup >= 0;
	return 0;
}

int clone_child(struct facts *f, int cgroup, bool *enter)
{
	long pid;

	*enter = false;
	if (f->threads > 1 || !f->tid_address)
		return clone_twice(cgroup, enter);
	pid = clone_direct(f, cgroup, enter);
	if (pid != 0)
		return pid > 0 ? 1 : -1;
	if (f->robust_list)
		syscall(SYS_set_robust_list, f->robust_list, f->robust_list_len);
	return 0;
}
