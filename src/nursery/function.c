/* nursery/function: see function.h. In the child. */
#include "nursery/function.h"

#include "nursery/environment.h"
#include "nursery/job_socket.h"

#include <stdio.h>
#include <unistd.h>

/* What the exit of a job says to droverd. */
enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_LATER = 75, STATUS_FOR_GOOD = 100 };

static int status_of(int answer)
{
	switch (answer) {
	case DROVER_DONE:
		return STATUS_DONE;
	case DROVER_RETRY:
	case DROVER_INTERRUPTED:
		return STATUS_LATER;
	case DROVER_ABORT:
		return STATUS_FOR_GOOD;
	default:
		return STATUS_FAILED;
	}
}

static const struct drover_entry *find(
	const struct function_source *source, const char *name, struct err *err)
{
	const struct drover_entry *e = source ? source->find(name) : NULL;

	if (e && e->function)
		return e;
	if (!source)
		err_set(err, "this nursery has no modules");
	else if (e)
		err_set(err, "%s performs items of an each, not jobs", name);
	else
		err_set(err, "no module has a function %s", name);
	return NULL;
}

static int call(const struct drover_entry *e, const struct function_source *source,
	const struct job_message *m)
{
	struct drover_job job = {.message = m, .source = source};
	struct environment env;
	int answer;

	environment_init(&env, m);
	environ = env.list;
	answer = e->function(&job);
	fflush(NULL);
	if (job.args)
		source->release(job.args);
	environ = NULL;
	environment_fini(&env);
	return status_of(answer);
}

int function_run(const struct function_source *source, const struct job_message *m)
{
	struct err err;
	const struct drover_entry *e = find(source, m->function, &err);

	if (e)
		return call(e, source, m);
	job_socket_not_started(&err);
}
