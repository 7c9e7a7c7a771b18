/*
 * nursery/limits: see limits.h. In the child, between the job's message and its code. The order
 * matters: a user without rights could not do the rest any more.
 */
#include "nursery/limits.h"

#include "nursery/kernel.h"

#include <errno.h>
#include <grp.h>
#include <time.h>
#include <unistd.h>

/* An upper bound: where a lower one stands already, that one stays. */
static rlim_t lower_of(uint64_t wanted, rlim_t there)
{
	return there != RLIM_INFINITY && there < wanted ? there : (rlim_t)wanted;
}

/* Most often nothing has to be done, and a job is worth a system call saved. */
static int lower(const struct facts *f, int what, const char *name, uint64_t soft, uint64_t hard,
	struct err *err)
{
	const struct rlimit *now = &f->limits[what];
	struct rlimit next;

	next.rlim_max = lower_of(hard, now->rlim_max);
	next.rlim_cur = lower_of(soft, next.rlim_max);
	if (next.rlim_cur == now->rlim_cur && next.rlim_max == now->rlim_max)
		return 0;
	if (kernel_setrlimit(what, &next) != 0)
		return err_errno(err, "limit %s to %llu", name, (unsigned long long)next.rlim_cur);
	return 0;
}

static int lower_both(
	const struct facts *f, int what, const char *name, uint64_t bound, struct err *err)
{
	return bound == JOB_NO_LIMIT ? 0 : lower(f, what, name, bound, bound, err);
}

/*
 * At the soft limit comes SIGXCPU, a second later SIGKILL for who ignores it. A process for several
 * jobs keeps the hard one as it is: a hard limit cannot be raised again for the next job.
 */
static int lower_cpu(const struct facts *f, const struct job_limits *l, struct err *err)
{
	rlim_t hard = f->limits[RLIMIT_CPU].rlim_max;

	if (l->cpu_s == JOB_NO_LIMIT)
		return 0;
	return lower(f, RLIMIT_CPU, "cpu", l->cpu_s, l->reuse > 1 ? hard : l->cpu_s + 1, err);
}

static int apply_rlimits(const struct facts *f, const struct job_limits *l, struct err *err)
{
	uint64_t space = l->address_space_bytes;

	if (space != JOB_NO_LIMIT)
		space += f->address_space_bytes;
	if (lower_both(f, RLIMIT_NOFILE, "open_files", l->open_files, err) != 0)
		return -1;
	if (lower_both(f, RLIMIT_CORE, "core", l->core_bytes, err) != 0)
		return -1;
	if (lower_both(f, RLIMIT_AS, "memory", space, err) != 0)
		return -1;
	return lower_cpu(f, l, err);
}

static int apply_nice(const struct job_limits *l, struct err *err)
{
	if (l->nice == 0)
		return 0;
	errno = 0;
	if (nice(l->nice) == -1 && errno != 0)
		return err_errno(err, "nice %d", l->nice);
	return 0;
}

/*
 * One group only: looking up a user's further groups takes NSS, which a static program has not and
 * a child must not wait for.
 */
static int apply_ids(const struct job_limits *l, struct err *err)
{
	gid_t gid = l->gid;

	if (l->gid != UINT32_MAX) {
		if (setgroups(1, &gid) != 0 || setresgid(gid, gid, gid) != 0)
			return err_errno(err, "become group %u", l->gid);
	}
	if (l->uid != UINT32_MAX && setresuid(l->uid, l->uid, l->uid) != 0)
		return err_errno(err, "become user %u", l->uid);
	return 0;
}

int limits_apply(const struct facts *f, const struct job_limits *l, struct err *err)
{
	if (apply_rlimits(f, l, err) != 0 || apply_nice(l, err) != 0)
		return -1;
	return apply_ids(l, err);
}

int limits_renew(const struct job_limits *l, struct err *err)
{
	struct timespec spent;
	struct rlimit now;

	if (l->cpu_s == JOB_NO_LIMIT)
		return 0;
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) != 0 ||
		getrlimit(RLIMIT_CPU, &now) != 0)
		return err_errno(err, "limit cpu");
	now.rlim_cur = lower_of(l->cpu_s + (uint64_t)spent.tv_sec, now.rlim_max);
	if (kernel_setrlimit(RLIMIT_CPU, &now) != 0)
		return err_errno(err, "limit cpu");
	return 0;
}
