/* process: see process.h. Runs in droverd and in the nursery. */
#include "base/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 16384, PLACE_STATE = 3, PLACE_START = 22 };

/* An environment is bounded by the stack limit of its exec; what is larger is not read to its end. */
#define READ_MAX ((size_t)16 << 20)

bool process_read(struct text *out, pid_t pid, const char *name)
{
	char path[64];
	int fd;
	ssize_t n = 1;

	text_clear(out);
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (n > 0 && out->len < READ_MAX) {
		text_reserve(out, READ_SIZE);
		n = read(fd, out->data + out->len, READ_SIZE);
		if (n > 0)
			out->len += (size_t)n;
	}
	out->data[out->len] = '\0';
	close(fd);
	return true;
}

/* The name in brackets may hold anything, brackets and blanks too. */
static const char *find_field(const struct text *stat, int place)
{
	const char *at = stat->len > 0 ? strrchr(stat->data, ')') : NULL;

	for (; at && place > 2; place--)
		at = strchr(at + 1, ' ');
	return at;
}

unsigned long long process_stat_field(const struct text *stat, int place)
{
	const char *at = find_field(stat, place);

	return at ? strtoull(at, NULL, 10) : 0;
}

/* What is gone between open and read gives nothing at all. */
static bool read_stat(struct text *out, pid_t pid)
{
	return process_read(out, pid, "stat") && find_field(out, PLACE_STATE) != NULL;
}

bool process_is_over(struct text *scratch, pid_t pid)
{
	char state;

	if (!read_stat(scratch, pid))
		return true;
	state = find_field(scratch, PLACE_STATE)[1];
	return state == 'Z' || state == 'X';
}

int64_t process_tick_ms(void)
{
	return 1000 / sysconf(_SC_CLK_TCK);
}

int64_t process_start_boot_ms(struct text *scratch, pid_t pid)
{
	if (!read_stat(scratch, pid))
		return -1;
	return (int64_t)process_stat_field(scratch, PLACE_START) * process_tick_ms();
}
