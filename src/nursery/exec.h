/* nursery/exec: turns the child into the command of its class. */
#ifndef DROVER_NURSERY_EXEC_H
#define DROVER_NURSERY_EXEC_H

#include "wire/job_message.h"

/* Limits stand. What fails is told on the job socket; then the child ends. */
_Noreturn void exec_command(const struct job_message *m);

#endif
