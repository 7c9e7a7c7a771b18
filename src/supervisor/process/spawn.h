/*
 * spawn: starts one of our own programs, with a socket to it as descriptor 3. In droverd, for
 * nurseries and for drover-items.
 */
#ifndef DROVER_SUPERVISOR_SPAWN_H
#define DROVER_SUPERVISOR_SPAWN_H

#include <sys/types.h>

#include "base/err.h"

enum { SPAWN_FD = 3 };

struct spawned {
	pid_t pid;
	int pidfd;
};

/* Two ends of a socket of this type; pair[1] is the program's. */
int spawn_pair(int type, int pair[2], struct err *err);

/*
 * `argv[0]` is the path, `env` its whole environment. `theirs` becomes its descriptor SPAWN_FD and
 * stays the caller's here. Signals are as a program expects them.
 */
int spawn_program(
	struct spawned *s, char *const *argv, char *const *env, int theirs, struct err *err);

/* Path of a program of ours: beside droverd's own, else in the libexec folder. Caller frees. */
char *spawn_find(const char *name, struct err *err);

#endif
