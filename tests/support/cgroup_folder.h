/*
 * cgroup_folder: what tests of supervisor/cgroup share: one folder, real or a stand-in, and short
 * words for its files.
 */
#ifndef DROVER_TESTS_CGROUP_FOLDER_H
#define DROVER_TESTS_CGROUP_FOLDER_H

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/process/cgroup.h"

static struct event_base *base;
static char folder[300];
static struct err err;

static inline void set_up(void)
{
	base = event_base_new();
}

static inline void tear_down(void)
{
	event_base_free(base);
}

static inline const char *below(const char *name)
{
	static char paths[4][1000];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static inline void put(const char *name, const char *text)
{
	FILE *f = fopen(below(name), "we");

	ck_assert_msg(f != NULL, "%s: %s", below(name), strerror(errno));
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

static inline const char *get(const char *name)
{
	static char bytes[4][1000];
	static int next;
	char *text = bytes[next++ % 4];
	FILE *f = fopen(below(name), "re");

	text[f ? fread(text, 1, sizeof bytes[0] - 1, f) : 0] = '\0';
	if (f)
		fclose(f);
	return text;
}

static inline bool is_there(const char *name)
{
	return access(below(name), F_OK) == 0;
}

static inline void says(const char *part)
{
	ck_assert_msg(strstr(err.text, part) != NULL, "\"%s\" lacks \"%s\"", err.text, part);
}

static inline void note_cleared(void *arg, bool empty)
{
	*(int *)arg = empty ? 1 : 2;
}

#endif
