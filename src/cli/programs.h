/*
 * cli/programs: finds and starts programs: our own, and a redis-server. What is started dies with us,
 * whatever ends us.
 */
#ifndef DROVER_CLI_PROGRAMS_H
#define DROVER_CLI_PROGRAMS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/text.h"

/* Path of a program of ours: beside us, or where an installation has it. The caller frees it. */
char *programs_find(const char *name, struct err *err);

struct program {
	const char *const *argv; /* argv[0]: a path, or to be found in PATH */
	int in, out, error;	 /* descriptors; -1: /dev/null */
	int socket;		 /* becomes its descriptor 3; -1: none */
};

/* Its pid, or -1 and why. In a group of its own: what a terminal sends shall meet us first. */
pid_t programs_start(const struct program *p, struct err *err);

/* Waits for its end: exit code, or 128 + the signal that ended it. */
int programs_wait(pid_t pid);

/* SIGTERM, and after so long SIGKILL; waits. Nothing where `*pid` is 0, which it is afterwards. */
int programs_end(pid_t *pid, int64_t patience_ms);

/* 1: it has ended, and is reaped; 0: it runs. */
int programs_look(pid_t pid, int *code);

/* A file without a name that holds `text`, at its beginning. -1 and why. */
int programs_file(const char *name, const struct text *text, struct err *err);

#endif
