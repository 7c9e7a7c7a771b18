/*
 * marked: processes found by an entry of the environment they were started with, and ended. It is
 * inherited without anybody's help and can be read from outside: so what a job started is found,
 * whatever session and group it made. Processes of other users, and those that wrote over their
 * environment, are not.
 */
#ifndef DROVER_BASE_MARKED_H
#define DROVER_BASE_MARKED_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/text.h"

/* True: this one, though it carries a mark, is left alone. */
typedef bool marked_spare_fn(struct text *scratch, pid_t pid);

/* A look at all processes, which may be taken in parts. A zeroed struct is one that has not begun. */
struct marked_look {
	DIR *proc;
	struct text scratch;
	int found;  /* sent SIGKILL, or may be ours: another look will tell */
	int killed; /* .. of them, sent SIGKILL */
};

/*
 * Looks at the next `most` processes, sends SIGKILL to those whose environment has one of
 * the entries in `marks` ("NAME=value" and its NUL, one behind the other), never to ourselves. 1 once all were seen (then `found` is what
 * this look found, and the next call begins another), 0 while there are more, -1 where /proc
 * cannot be read. `spare` may be NULL.
 */
int marked_look(struct marked_look *look, struct span marks, marked_spare_fn *spare, int most,
	struct err *err);
void marked_look_fini(struct marked_look *look);

#endif
