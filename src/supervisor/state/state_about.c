/*
 * state_about: see state_dir.h. droverd. What a start says of itself, and its text: a "key value"
 * a line; in a value, what would end it is written %XX.
 */
#include "base/must.h"
#include "base/process.h"
#include "supervisor/state/state_dir.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct member {
	const char *key;
	bool is_number;
	size_t offset;
};

static const struct member MEMBERS[] = {
	{"lease", false, offsetof(struct state_about, lease)},
	{"redis", false, offsetof(struct state_about, redis)},
	{"boot_id", false, offsetof(struct state_about, boot_id)},
	{"pid_ns", false, offsetof(struct state_about, pid_ns)},
	{"pid", true, offsetof(struct state_about, pid)},
	{"start_boot_ms", true, offsetof(struct state_about, start_boot_ms)},
	{"version", false, offsetof(struct state_about, version)},
};

enum { N_MEMBERS = sizeof MEMBERS / sizeof *MEMBERS };

static char **text_of(struct state_about *a, const struct member *m)
{
	return (char **)(void *)((char *)a + m->offset);
}

static int64_t *number_of(struct state_about *a, const struct member *m)
{
	return (int64_t *)(void *)((char *)a + m->offset);
}

/* -- itself ------------------------------------------------------------------------------------- */

static char *read_boot_id(void)
{
	char bytes[64];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);

	if (fd >= 0)
		close(fd);
	while (n > 0 && bytes[n - 1] == '\n')
		n--;
	return n > 0 ? must_strndup(bytes, (size_t)n) : must_strdup("?");
}

static char *read_pid_ns(void)
{
	char bytes[64];
	ssize_t n = readlink("/proc/self/ns/pid", bytes, sizeof bytes);

	return n > 0 ? must_strndup(bytes, (size_t)n) : must_strdup("?");
}

void state_about_self(struct state_about *out, const char *lease, const char *redis)
{
	struct text scratch = {0};

	*out = (struct state_about){.lease = must_strdup(lease),
		.redis = must_strdup(redis),
		.boot_id = read_boot_id(),
		.pid_ns = read_pid_ns(),
		.pid = getpid(),
		.start_boot_ms = process_start_boot_ms(&scratch, getpid()),
		.version = must_strdup(DROVER_VERSION)};
	text_fini(&scratch);
}

void state_about_fini(struct state_about *a)
{
	for (int i = 0; i < N_MEMBERS; i++)
		if (!MEMBERS[i].is_number)
			free(*text_of(a, &MEMBERS[i]));
	*a = (struct state_about){0};
}

/* -- its text ------------------------------------------------------------------------------------ */

static void add_value(struct text *out, const char *value)
{
	for (const char *p = value; *p; p++) {
		if (*p == '%' || (unsigned char)*p < ' ')
			text_addf(out, "%%%02X", (unsigned char)*p);
		else
			text_add_char(out, *p);
	}
}

void state_about_write(struct text *out, const struct state_about *a)
{
	struct state_about copy = *a;

	for (int i = 0; i < N_MEMBERS; i++) {
		const struct member *m = &MEMBERS[i];

		text_addf(out, "%s ", m->key);
		if (m->is_number)
			text_add_int(out, *number_of(&copy, m));
		else
			add_value(out, *text_of(&copy, m));
		text_add_char(out, '\n');
	}
}

static char *read_value(struct span s)
{
	struct text out = {0};

	text_reserve(&out, s.len + 1);
	for (size_t i = 0; i < s.len; i++) {
		char hex[3] = {0};

		if (s.at[i] != '%' || i + 2 >= s.len) {
			text_add_char(&out, s.at[i]);
			continue;
		}
		memcpy(hex, s.at + i + 1, 2);
		text_add_char(&out, (char)strtol(hex, NULL, 16));
		i += 2;
	}
	if (out.len == 0)
		text_add(&out, "", 0);
	return text_take(&out);
}

static void read_line(struct state_about *out, struct span line)
{
	const char *blank = memchr(line.at, ' ', line.len);
	struct span key = {line.at, blank ? (size_t)(blank - line.at) : line.len};

	for (int i = 0; i < N_MEMBERS && blank; i++) {
		const struct member *m = &MEMBERS[i];
		struct span value = {blank + 1, line.len - key.len - 1};
		char *text;

		if (!span_is(key, m->key))
			continue;
		text = read_value(value);
		if (m->is_number) {
			*number_of(out, m) = atoll(text);
			free(text);
		} else {
			free(*text_of(out, m));
			*text_of(out, m) = text;
		}
	}
}

int state_about_read(struct state_about *out, struct span text, struct err *err)
{
	*out = (struct state_about){0};
	while (text.len > 0) {
		const char *end = memchr(text.at, '\n', text.len);
		size_t n = end ? (size_t)(end - text.at) : text.len;

		if (end == NULL)
			break; /* cut off in the middle of a line: it may say anything */
		read_line(out, (struct span){text.at, n});
		text.at += n + 1;
		text.len -= n + 1;
	}
	for (int i = 0; i < N_MEMBERS; i++)
		if (!MEMBERS[i].is_number && *text_of(out, &MEMBERS[i]) == NULL) {
			state_about_fini(out);
			return err_set(err, "`about` says no %s", MEMBERS[i].key);
		}
	return 0;
}
