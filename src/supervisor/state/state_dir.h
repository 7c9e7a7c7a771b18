/*
 * state_dir: the folders in supervisor.state_dir: one a start of droverd (one a lease id), so that
 * several supervisors can share it. Whoever holds the lock of a folder owns it: the droverd that
 * made it while it lives, later whoever takes it over. Files of its own: `lock`, `about`; other
 * modules keep `scoreboard` and `verdicts` there.
 */
#ifndef DROVER_SUPERVISOR_STATE_DIR_H
#define DROVER_SUPERVISOR_STATE_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct state_folder {
	char *path;
	int fd;	     /* of the folder */
	int lock_fd; /* closed, also by the kernel: the lock is free */
};

/* What a start says of itself in `about`, a "key value" a line. Strings are the struct's own. */
struct state_about {
	char *lease;
	char *redis;   /* where its lease stands, to be compared only */
	char *boot_id; /* of the kernel's start */
	char *pid_ns;  /* its pid namespace */
	int64_t pid;
	int64_t start_boot_ms;
	char *version;
};

/* About this very process. */
void state_about_self(struct state_about *out, const char *lease, const char *redis);
void state_about_fini(struct state_about *a);

/* -- pure: the text of `about` -- */
void state_about_write(struct text *out, const struct state_about *a);
/* -1 where something is missing. Unknown keys are left out. */
int state_about_read(struct state_about *out, struct span text, struct err *err);

/* The name of a lease's folder: what is no name of a file is written %XX, and the end is kept where
   all of it would be too long (it ends in a random number). Caller frees. */
char *state_dir_name(const char *lease);

/*
 * Makes the folder of `about`, locked. It appears under its name once all of that stands, so
 * nobody takes it for one that was left. NULL and the reason where it cannot be had.
 */
struct state_folder *state_dir_make(
	const char *state_dir, const struct state_about *about, struct err *err);

/*
 * Takes the folder `name` if its lock is free: 1 and *out; 0 where it is another's, or gone
 * meanwhile; -1 where it cannot be used at all, or another user made it: what it says ends
 * processes.
 */
int state_dir_take(
	const char *state_dir, const char *name, struct state_folder **out, struct err *err);

/* Opens a plain file of the folder for reading; -1 and errno. */
int state_dir_open_file(int folder_fd, const char *name);

/* Reads its `about`. */
int state_folder_about(const struct state_folder *f, struct state_about *out, struct err *err);

void state_folder_keep(struct state_folder *f);	  /* lets go of it; frees `f`, which may be NULL */
void state_folder_remove(struct state_folder *f); /* with all in it; frees `f`, which may be NULL */

/* Calls fn with the name of every folder of a start, in no order. */
typedef void state_dir_fn(void *ctx, const char *name);
int state_dir_each(const char *state_dir, state_dir_fn *fn, void *ctx, struct err *err);

/* Remains of a make or a remove that was cut off long ago. */
void state_dir_sweep(const char *state_dir);

/* A file mapped from a disk stalls its writer at every write-back. */
bool state_dir_is_in_memory(const char *state_dir);

#endif
