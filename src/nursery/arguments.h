/* nursery/arguments: the command line of both nurseries. */
#ifndef DROVER_NURSERY_ARGUMENTS_H
#define DROVER_NURSERY_ARGUMENTS_H

#include "base/err.h"

enum { EXIT_USAGE = 64 };

enum nursery_mode {
	MODE_SERVE,	  /* --lease ID [MODULE.so ...] */
	MODE_UNDERTAKE,	  /* --undertake ID */
	MODE_FLOOR,	  /* --floor N OUTSTANDING [MODULE.so ...] */
	MODE_FLOOR_SPAWN, /* --floor-spawn N OUTSTANDING PROGRAM [ARGUMENT ...] */
	MODE_PLAN,	  /* --plan ITEMS */
};

struct arguments {
	enum nursery_mode mode;
	const char *lease;
	long n, outstanding;
	char **rest; /* NULL-terminated: modules, or the program */
};

/* -1 and a sentence on how it is used. `modules`: whether any may be named. */
int arguments_parse(struct arguments *a, int modules, int argc, char **argv, struct err *err);

/* Performs the modes that need no droverd: an exit status, or -1 where it is MODE_SERVE. */
int arguments_perform(const struct arguments *a);

#endif
