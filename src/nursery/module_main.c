/*
 * drover-nursery-module: the nursery whose children perform C functions. Modules are named behind
 * the lease, or one is linked into a program of one's own with libdrover-nursery.a. What a module's
 * constructors and preload hooks do happens here, once, and never in droverd.
 */
#include "nursery/arguments.h"
#include "nursery/module.h"
#include "nursery/nursery.h"
#include "nursery/undertaker.h"

#include <stdio.h>
#include <stdlib.h>

static int load(const struct arguments *a, struct err *err)
{
	if (module_take_linked(err) != 0)
		return -1;
	if (a->mode != MODE_SERVE && a->mode != MODE_FLOOR)
		return 0;
	for (char **path = a->rest; *path; path++)
		if (module_load(*path, err) != 0)
			return -1;
	return module_preload(err);
}

static int serve(pid_t droverd, const char *lease, struct err *err)
{
	struct text names = {0};
	int done;

	module_add_names(&names);
	done = nursery_serve(
		droverd, lease, (struct span){names.data, names.len}, &module_functions, err);
	text_fini(&names);
	return done;
}

static int say_usage(const struct err *err)
{
	fprintf(stderr, "drover-nursery-module: %s\n", err->text);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct arguments a;
	struct err err;
	pid_t droverd = -1;

	if (arguments_parse(&a, 1, argc, argv, &err) != 0)
		return say_usage(&err);
	if (a.mode == MODE_SERVE && (droverd = nursery_open(&err)) < 0)
		return say_usage(&err);
	if (load(&a, &err) == 0) {
		int status = arguments_perform(&a);
		int served;

		if (status >= 0)
			return status;
		served = serve(droverd, a.lease, &err);
		if (served == 0 || (served > 0 && undertaker_run(a.lease, &err) == 0))
			return EXIT_SUCCESS;
	}
	nursery_say_failed(&err);
	fprintf(stderr, "drover-nursery-module: %s\n", err.text);
	return EXIT_FAILURE;
}
