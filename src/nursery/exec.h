/* nursery/exec: turns the child into the command of its class. */
#ifndef DROVER_NURSERY_EXEC_H
#define DROVER_NURSERY_EXEC_H

#include "base/err.h"
#include "wire/job_message.h"

/* A list of a message as execve wants it, who does not write to it. */
char **exec_list(const char *const *list);

/* Becomes the program argv[0], in the folders of env's PATH where it has no slash. -1 and why not. */
int exec_program(char *const *argv, char *const *env, struct err *err);

/* Limits stand. What fails is told on the job socket; then the child ends. */
_Noreturn void exec_command(const struct job_message *m);

#endif
