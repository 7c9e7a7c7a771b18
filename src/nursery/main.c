/*
 * drover-nursery: makes a child per job, for commands. Statically linked: fewer mappings make each
 * fork cheaper. It loads nothing and runs no code but its own; drover-nursery-module is the one
 * with modules.
 */
#include "nursery/arguments.h"
#include "nursery/nursery.h"
#include "nursery/undertaker.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct arguments a;
	struct err err;
	pid_t droverd;
	int status, served;

	if (arguments_parse(&a, 0, argc, argv, &err) != 0) {
		fprintf(stderr, "drover-nursery: %s\n", err.text);
		return EXIT_USAGE;
	}
	status = arguments_perform(&a);
	if (status >= 0)
		return status;
	droverd = nursery_open(&err);
	if (droverd < 0) {
		fprintf(stderr, "drover-nursery: %s\n", err.text);
		return EXIT_USAGE;
	}
	served = nursery_serve(droverd, a.lease, SPAN_LIT("[]"), NULL, &err);
	if (served == 0 || (served > 0 && undertaker_run(a.lease, &err) == 0))
		return EXIT_SUCCESS;
	nursery_say_failed(&err);
	fprintf(stderr, "drover-nursery: %s\n", err.text);
	return EXIT_FAILURE;
}
