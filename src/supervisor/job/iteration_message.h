/*
 * iteration_message: what the child of an `each` is told besides the job: its collection, with the
 * arguments put in, how items are to be performed, and where to go on.
 */
#ifndef DROVER_SUPERVISOR_ITERATION_MESSAGE_H
#define DROVER_SUPERVISOR_ITERATION_MESSAGE_H

#include "supervisor/job/iteration.h"
#include "supervisor/process/stream.h"
#include "wire/job_message.h"

struct iteration_message {
	struct job_each_source source;
	struct text path, inner_path;
	char **argv, **inner_argv;
	bool streams; /* its collection stands in Redis: `stream` says where */
	struct stream_spec stream;
	struct text key, password;
};

/*
 * Fills `m` for a job of an `each`; -1 and a sentence where that cannot be: an argument that is missing,
 * a range that is none.
 */
int iteration_message_init(struct iteration_message *m, const struct iteration *it,
	const struct job *j, struct err *err);
/* It is told again: where to go on has changed. */
void iteration_message_refresh(struct iteration_message *m, const struct iteration *it);
void iteration_message_fini(struct iteration_message *m);

#endif
