/* zone: see zone.h. droverd, drover; reads files of the time zone database, through libc. */
#include "base/zone.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"

#define DAY (24 * 60 * 60)
#define STRETCH_DAYS \
	200 /* changes of the clocks are at most half a year apart, or there are none */
#define MOST_SEEN 64

struct zone {
	struct zone *next;
	char name[ZONE_NAME_MAX];
	bool fixed; /* to offset_s; libc is not asked */
	int64_t offset_s;
	struct zone_stretch seen[MOST_SEEN];
	size_t n_seen;
};

static struct zone *zones;

/* -- names -- */

/* A path below the folder of zones, and never out of it. */
static bool is_name(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				"_+-/");

	return isalpha((unsigned char)*name) && name[n] == '\0' && n < ZONE_NAME_MAX;
}

static bool is_there(const char *name)
{
	const char *folder = getenv("TZDIR");
	char *path = must_printf("%s/%s", folder ? folder : "/usr/share/zoneinfo", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[4] = "";
	bool found;

	free(path);
	if (fd < 0)
		return false;
	found = read(fd, magic, sizeof magic) == sizeof magic &&
		memcmp(magic, "TZif", sizeof magic) == 0;
	close(fd);
	return found;
}

/* "+05:30", "-0800": a day and 59 minutes at most. */
static bool read_offset(const char *name, int64_t *offset_s)
{
	int digits[4], hours, minutes;
	size_t n = 0;

	if (*name != '+' && *name != '-')
		return false;
	for (const char *p = name + 1; *p; p++) {
		if (*p == ':' && p == name + 3)
			continue;
		if (!isdigit((unsigned char)*p) || n == 4)
			return false;
		digits[n++] = *p - '0';
	}
	if (n < 4)
		return false;
	hours = digits[0] * 10 + digits[1];
	minutes = digits[2] * 10 + digits[3];
	if (hours > 24 || minutes > 59)
		return false;
	*offset_s = (int64_t)(hours * 60 + minutes) * 60 * (*name == '-' ? -1 : 1);
	return true;
}

static int refuse(const char *name, struct err *err)
{
	if (is_name(name) && !is_there("Etc/UTC"))
		return err_set(err,
			"cannot be looked up, for the time zone database (package tzdata) is not "
			"installed");
	return err_set(err, "is no time zone");
}

static int open_zone(struct zone *z, const char *name, struct err *err)
{
	z->fixed = true;
	if (strcmp(name, "UTC") != 0 && !read_offset(name, &z->offset_s)) {
		if (!is_name(name) || !is_there(name))
			return refuse(name, err);
		z->fixed = false;
	}
	strcpy(z->name, name);
	return 0;
}

struct zone *zone_find(const char *name, struct err *err)
{
	struct zone *z = zones;

	while (z && strcmp(z->name, name) != 0)
		z = z->next;
	if (z) {
		z->n_seen = 0;
		return z;
	}
	z = must_alloc(sizeof *z);
	if (open_zone(z, name, err) < 0) {
		free(z);
		return NULL;
	}
	z->next = zones;
	zones = z;
	return z;
}

const char *zone_name(const struct zone *z)
{
	return z->name;
}

/* -- asking libc -- */

/* Makes the zone libc's local one; returns what TZ was, for leave. */
static char *enter(const struct zone *z)
{
	const char *old = getenv("TZ");
	char *kept = old ? must_strdup(old) : NULL;
	char value[ZONE_NAME_MAX + 1];

	snprintf(value, sizeof value, ":%s", z->name); /* a file, never a rule */
	must(setenv("TZ", value, 1) == 0);
	tzset();
	return kept;
}

static void leave(char *kept)
{
	if (kept)
		must(setenv("TZ", kept, 1) == 0);
	else
		unsetenv("TZ");
	free(kept);
	tzset();
}

static int64_t offset_at(int64_t epoch_s)
{
	time_t t = (time_t)epoch_s;
	struct tm tm;

	must(localtime_r(&t, &tm) != NULL);
	return tm.tm_gmtoff;
}

/* The first second in (from, to] with another offset than at `from`; there is one. */
static int64_t find_change(int64_t from, int64_t to, int64_t offset_s)
{
	while (to - from > 1) {
		int64_t middle = from + (to - from) / 2;

		if (offset_at(middle) == offset_s)
			from = middle;
		else
			to = middle;
	}
	return to;
}

static struct zone_stretch ask(int64_t epoch_s)
{
	struct zone_stretch s = {epoch_s, epoch_s, offset_at(epoch_s)};

	for (int i = 0; i < STRETCH_DAYS; i++) {
		if (offset_at(s.until + DAY) != s.offset_s) {
			s.until = find_change(s.until, s.until + DAY, s.offset_s);
			break;
		}
		s.until += DAY;
	}
	return s;
}

struct zone_stretch zone_stretch_at(struct zone *z, int64_t epoch_s)
{
	char *kept;

	if (z->fixed)
		return (struct zone_stretch){INT64_MIN, INT64_MAX, z->offset_s};
	for (size_t i = 0; i < z->n_seen; i++)
		if (epoch_s >= z->seen[i].from && epoch_s < z->seen[i].until)
			return z->seen[i];
	if (z->n_seen == MOST_SEEN)
		z->n_seen = 0;
	kept = enter(z);
	z->seen[z->n_seen] = ask(epoch_s);
	leave(kept);
	return z->seen[z->n_seen++];
}
