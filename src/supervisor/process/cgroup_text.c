/*
 * cgroup_text: see cgroup_text.h. droverd. It must never look at the machine it runs on.
 */
#include "supervisor/process/cgroup_text.h"

#include <string.h>

enum { FIELD_ROOT = 3, FIELD_POINT = 4, FIELD_OPTIONS = 5 };

/* Takes what stands before the next `end` off the front of `rest`; false at the end. */
static bool take(struct span *rest, char end, struct span *out)
{
	const char *at;

	if (rest->len == 0)
		return false;
	at = memchr(rest->at, end, rest->len);
	out->at = rest->at;
	out->len = at ? (size_t)(at - rest->at) : rest->len;
	rest->at += out->len + (at != NULL);
	rest->len -= out->len + (at != NULL);
	return true;
}

static bool begins(struct span s, struct span with)
{
	return with.len == 0 || (s.len >= with.len && memcmp(s.at, with.at, with.len) == 0);
}

/* -- our path and the mount table ------------------------------------------------------------------ */

/* v1 hierarchies have lines of their own, before this one or none at all. */
static bool find_path(struct span self, struct span *path)
{
	struct span line;

	while (take(&self, '\n', &line))
		if (begins(line, SPAN_LIT("0::/"))) {
			*path = (struct span){line.at + 3, line.len - 3};
			return true;
		}
	return false;
}

/* Blanks and backslashes stand as \ooo in the mount table. */
static void add_unescaped(struct text *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		const char *c = s.at + i;

		if (*c == '\\' && s.len - i > 3) {
			text_add_char(
				out, (char)((c[1] - '0') * 64 + (c[2] - '0') * 8 + (c[3] - '0')));
			i += 3;
		} else {
			text_add_char(out, *c);
		}
	}
}

struct mount {
	struct span root, point; /* escaped */
	bool read_only;
};

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [MORE..] - TYPE SOURCE SUPER-OPTIONS */
static bool read_mount(struct span line, struct mount *m)
{
	struct span word, option;

	for (int i = 0; take(&line, ' ', &word) && !span_is(word, "-"); i++) {
		if (i == FIELD_ROOT)
			m->root = word;
		else if (i == FIELD_POINT)
			m->point = word;
		else if (i == FIELD_OPTIONS)
			m->read_only = take(&word, ',', &option) && span_is(option, "ro");
	}
	return take(&line, ' ', &word) && span_is(word, "cgroup2") && m->point.len > 0;
}

/* A container may see a part of the tree alone: then the mount's root is a path in it. */
static bool leads_to(const struct mount *m, struct span path, struct span *below)
{
	struct text root = {0};
	bool leads;

	add_unescaped(&root, m->root);
	if (root.len == 1)
		text_clear(&root);
	leads = begins(path, (struct span){root.data, root.len}) &&
		(path.len == root.len || path.at[root.len] == '/');
	*below = (struct span){path.at + root.len, path.len - root.len};
	if (below->len == 1)
		below->len = 0;
	text_fini(&root);
	return leads;
}

/* The last one counts, as it may stand upon the others; but one to write to before any other. */
static bool find_mount(struct span mounts, struct span path, struct mount *best, struct span *below)
{
	bool found = false;
	struct span line;

	while (take(&mounts, '\n', &line)) {
		struct mount m = {0};
		struct span rest;

		if (!read_mount(line, &m) || !leads_to(&m, path, &rest))
			continue;
		if (found && m.read_only && !best->read_only)
			continue;
		*best = m;
		*below = rest;
		found = true;
	}
	return found;
}

static bool ends_with(struct span s, const char *tail)
{
	size_t len = strlen(tail);

	return s.len >= len && memcmp(s.at + s.len - len, tail, len) == 0;
}

int cgroup_text_locate(struct span self, struct span mounts, struct text *folder, struct err *err)
{
	struct span path, below;
	struct mount m = {0};

	if (!find_path(self, &path))
		return err_set(err, "this kernel has no cgroup v2");
	if (begins(path, SPAN_LIT("/..")))
		return err_set(err, "our cgroup lies outside of our cgroup namespace");
	if (ends_with(path, " (deleted)"))
		return err_set(err, "our cgroup was removed");
	if (!find_mount(mounts, path, &m, &below))
		return err_set(err, "no mounted cgroup2 tree shows our cgroup %.*s", (int)path.len,
			path.at);
	add_unescaped(folder, m.point);
	text_add_span(folder, below);
	return 0;
}

/* -- small files ----------------------------------------------------------------------------------- */

/* A process that our pid namespace does not show stands as 0: it is not us. */
enum cgroup_crowd cgroup_text_crowd(struct span procs, pid_t us)
{
	enum cgroup_crowd crowd = CGROUP_NOBODY;
	struct span line;

	while (take(&procs, '\n', &line)) {
		if (cgroup_text_number(line) != us)
			return CGROUP_OTHERS;
		crowd = CGROUP_US;
	}
	return crowd;
}

int64_t cgroup_text_number(struct span text)
{
	int64_t n = -1;

	for (size_t i = 0; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++)
		if (__builtin_mul_overflow(n < 0 ? 0 : n, 10, &n) ||
			__builtin_add_overflow(n, text.at[i] - '0', &n))
			return -1;
	return n;
}

int64_t cgroup_text_value(struct span text, const char *key)
{
	struct span line, word;

	while (take(&text, '\n', &line))
		if (take(&line, ' ', &word) && span_is(word, key))
			return cgroup_text_number(line);
	return -1;
}

bool cgroup_text_has_word(struct span text, const char *word)
{
	struct span line, one;

	if (!take(&text, '\n', &line))
		return false;
	while (take(&line, ' ', &one))
		if (span_is(one, word))
			return true;
	return false;
}
