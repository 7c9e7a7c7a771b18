/*
 * cgroup_file: one small file below a cgroup folder, read or written whole. A file that is not
 * there is never made: in the kernel's tree all files come with their folder.
 */
#ifndef DROVER_SUPERVISOR_CGROUP_FILE_H
#define DROVER_SUPERVISOR_CGROUP_FILE_H

#include "base/text.h"

/* Room for every file read here but cgroup.procs, of which a beginning is enough. */
enum { CGROUP_FILE_MAX = 4096 };

/* Reads into `bytes` (CGROUP_FILE_MAX of them). -1 with errno, and an empty `out`. */
int cgroup_file_read(int folder, const char *name, char *bytes, struct span *out);

/* The same from the beginning of a file that is open. */
int cgroup_file_look(int fd, char *bytes, struct span *out);

/* Writes `text` in one call, as the kernel wants it. -1 with errno. */
int cgroup_file_write(int folder, const char *name, const char *text);

#endif
