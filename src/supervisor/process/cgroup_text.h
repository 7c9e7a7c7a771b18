/*
 * cgroup_text: what the kernel's cgroup files say, read from texts. Pure: no file is opened here,
 * so every machine's tables can be tried on any machine.
 */
#ifndef DROVER_SUPERVISOR_CGROUP_TEXT_H
#define DROVER_SUPERVISOR_CGROUP_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/text.h"

/*
 * Where our own cgroup v2 folder is to be seen. `self` is /proc/self/cgroup, `mounts` is
 * /proc/self/mountinfo. Appends the path to `folder`; -1 and the reason where there is none.
 */
int cgroup_text_locate(struct span self, struct span mounts, struct text *folder, struct err *err);

/* Who is in a folder, by its cgroup.procs. */
enum cgroup_crowd { CGROUP_NOBODY, CGROUP_US, CGROUP_OTHERS /* perhaps with us */ };
enum cgroup_crowd cgroup_text_crowd(struct span procs, pid_t us);

/* A file of "KEY NUMBER" lines: the number; -1 where there is no such key. */
int64_t cgroup_text_value(struct span text, const char *key);

/* A file of one number; -1 where it is none, or "max". */
int64_t cgroup_text_number(struct span text);

/* A file of words on one line, as cgroup.controllers. */
bool cgroup_text_has_word(struct span text, const char *word);

#endif
