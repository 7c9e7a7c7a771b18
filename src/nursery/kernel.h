/*
 * nursery/kernel: system calls for the first steps of a child, without libc's functions of the same
 * names. A clone does not take over which pages of libc's text are mapped, so each of those
 * functions, strewn over its text as they are, costs a child one more page fault than syscall(),
 * which serves all. Measured: a tenth of what a job costs.
 */
#ifndef DROVER_NURSERY_KERNEL_H
#define DROVER_NURSERY_KERNEL_H

#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static inline long kernel_prctl(int what, unsigned long value)
{
	return syscall(SYS_prctl, what, value, 0UL, 0UL, 0UL);
}

static inline pid_t kernel_getppid(void)
{
	return (pid_t)syscall(SYS_getppid);
}

static inline void kernel_lead_group(void)
{
	syscall(SYS_setpgid, 0, 0);
}

/* No signal is blocked from here on. */
static inline void kernel_unblock_signals(void)
{
	const uint64_t none = 0;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

/* `to` must be another number; it stays open over exec. */
static inline int kernel_dup_to(int fd, int to)
{
	return (int)syscall(SYS_dup3, fd, to, 0);
}

static inline int kernel_close_from(int fd)
{
	return (int)syscall(SYS_close_range, fd, ~0U, 0);
}

static inline int kernel_setrlimit(int what, const struct rlimit *limit)
{
	_Static_assert(sizeof limit->rlim_cur == sizeof(uint64_t), "as the kernel has it");
	return (int)syscall(SYS_prlimit64, 0, what, limit, NULL);
}

_Noreturn static inline void kernel_exit(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

#endif
