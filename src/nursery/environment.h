/*
 * nursery/environment: a job's environment, built from nothing: what the class gives, and what is
 * to be known about the job. Ours win where a class uses one of our names.
 */
#ifndef DROVER_NURSERY_ENVIRONMENT_H
#define DROVER_NURSERY_ENVIRONMENT_H

#include "wire/job_message.h"

/*
 * NULL-terminated, as execve wants it; one allocation, the caller's to free. Strings of the class
 * still stand in the message.
 */
char **environment_build(const struct job_message *m);

/* The value of `name` in a list, NULL where it is not there. */
const char *environment_get(char *const *list, const char *name);

#endif
