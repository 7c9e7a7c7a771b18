/*
 * nursery/environment: a job's environment, built from nothing: what the class gives, and what is
 * to be known about the job. Ours win where a class uses one of our names.
 */
#ifndef DROVER_NURSERY_ENVIRONMENT_H
#define DROVER_NURSERY_ENVIRONMENT_H

#include "wire/job_message.h"

/* Holds its own memory unless it is large; must stay where it is. */
struct environment {
	char **list; /* NULL-terminated, as execve wants it */
	char *room[160];
};

/* Strings of the class still stand in the message. */
void environment_init(struct environment *e, const struct job_message *m);
void environment_fini(struct environment *e);

/* Takes a variable out again. */
void environment_drop(struct environment *e, const char *name);

/* The value of `name` in a list, NULL where it is not there. */
const char *environment_get(char *const *list, const char *name);

#endif
