/*
 * nursery/function: performs a job by a C function. Where functions come from is behind a table,
 * so that the nursery without modules links neither dlopen nor jansson.
 */
#ifndef DROVER_NURSERY_FUNCTION_H
#define DROVER_NURSERY_FUNCTION_H

#include <drover/job.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/job_message.h"

struct function_source {
	const struct drover_entry *(*find)(const char *name); /* NULL: none of that name */
	json_t *(*decode)(struct span json, struct err *err); /* an array; NULL and why */
	void (*release)(json_t *args);
};

/* The struct behind job.h's name. */
struct drover_job {
	const struct job_message *message;
	const struct function_source *source;
	json_t *args; /* NULL: not looked at yet */
	struct text
		*item_error; /* NULL: a whole job; else it is an item, which says its errors here */
};

/* Calls the function; its answer as an exit status. Does not return where there is none. */
int function_run(const struct function_source *source, const struct job_message *m);

#endif
