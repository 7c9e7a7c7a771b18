/* nursery/facts: see facts.h. In the nursery, once. */
#include "nursery/facts.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Each thread is a folder there, and a folder's link count is 2 + the folders in it. */
static int learn_threads(struct facts *f, struct err *err)
{
	struct stat st;

	if (stat("/proc/self/task", &st) != 0)
		return err_errno(err, "/proc/self/task");
	f->threads = st.st_nlink > 2 ? (unsigned)st.st_nlink - 2 : 1;
	return 0;
}

static int learn_address_space(struct facts *f, struct err *err)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return err_errno(err, "/proc/self/statm");
	if (fscanf(file, "%lu", &pages) != 1)
		pages = 0;
	fclose(file);
	f->address_space_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

static void learn_limits(struct facts *f)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit((__rlimit_resource_t)i, &f->limits[i]) != 0)
			f->limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
}

/* Preload hooks may have set some; two are our own. Those libc keeps for itself are refused. */
static void learn_signals(struct facts *f)
{
	size_t n = 0;

	for (int i = 1; i < FACTS_SIGNALS; i++) {
		struct sigaction now;

		if (sigaction(i, NULL, &now) == 0 && now.sa_handler != SIG_DFL)
			f->signals[n++] = i;
	}
	f->signals[n] = 0;
}

static void learn_libc(struct facts *f)
{
	if (prctl(PR_GET_TID_ADDRESS, &f->tid_address, 0L, 0L, 0L) != 0)
		f->tid_address = NULL;
	if (syscall(SYS_get_robust_list, 0, &f->robust_list, &f->robust_list_len) != 0)
		f->robust_list = NULL;
}

int facts_learn(struct facts *f, pid_t droverd, struct err *err)
{
	*f = (struct facts){.droverd = droverd};
	learn_limits(f);
	learn_signals(f);
	learn_libc(f);
	if (learn_threads(f, err) != 0)
		return -1;
	return learn_address_space(f, err);
}
