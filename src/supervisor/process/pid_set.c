/* pid_set: see pid_set.h. droverd. */
#include "supervisor/process/pid_set.h"
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

enum { PID_LIMIT = 1 << 22 }; /* the kernel's own, proc(5) */

static size_t read_pid_max(void)
{
	FILE *f = fopen("/proc/sys/kernel/pid_max", "re");
	int max = 0;

	if (f == NULL)
		return PID_LIMIT;
	if (fscanf(f, "%d", &max) != 1 || max < 2 || max > PID_LIMIT)
		max = PID_LIMIT;
	fclose(f);
	return (size_t)max;
}

void pid_set_init(struct pid_set *s)
{
	s->max = read_pid_max();
	s->bits = must_alloc(s->max / 8 + 1);
}

void pid_set_fini(struct pid_set *s)
{
	free(s->bits);
}

/* A number may be above pid_max where that was lowered while the process lived. */
void pid_set_put(struct pid_set *s, pid_t pid, bool in)
{
	size_t n = (size_t)pid;

	if (pid <= 0)
		return;
	if (n >= s->max) {
		s->bits = must_realloc(s->bits, n / 8 + 1);
		for (size_t i = s->max / 8 + 1; i <= n / 8; i++)
			s->bits[i] = 0;
		s->max = n + 1;
	}
	if (in)
		s->bits[n / 8] |= (unsigned char)(1u << n % 8);
	else
		s->bits[n / 8] &= (unsigned char)~(1u << n % 8);
}

bool pid_set_has(const struct pid_set *s, pid_t pid)
{
	return pid > 0 && (size_t)pid < s->max && (s->bits[pid / 8] >> pid % 8 & 1);
}
