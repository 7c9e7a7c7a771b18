/*
 * nursery_jobs: a nursery a test, and what it makes of commands and functions. Built upon
 * nursery_rig, for the test programs of the nursery.
 */
#ifndef DROVER_TESTS_NURSERY_JOBS_H
#define DROVER_TESTS_NURSERY_JOBS_H

#include "support/nursery_rig.h"
#include "support/suite.h"

#define SHELL_PATH "PATH=/usr/local/bin:/usr/bin:/bin"

/* Check runs each test in a process of its own. */
static struct rig rig;

static inline void start_static(void)
{
	rig_start(&rig, rig_path("drover-nursery"), NULL, NULL);
}

static inline void start_module(const char *env)
{
	rig_start(&rig, rig_path("drover-nursery-module"), rig_path("tests/sample_module.so"), env);
}

static inline void stop(void)
{
	ck_assert_int_eq(rig_stop(&rig), 0);
}

static inline struct job_class_source command(char **argv)
{
	static char *env[] = {(char *)(uintptr_t)SHELL_PATH, NULL};

	return (struct job_class_source){.limits = rig_limits(JOB_COMMAND),
		.lists[JOB_ARGV] = argv,
		.lists[JOB_ENV] = env,
		.directory = "/"};
}

/* What a shell script prints; it must end with `status`. */
static inline struct rig_end shell(const char *script, int status)
{
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", strdup(script), NULL};
	struct job_class_source c = command(argv);
	struct rig_end end = rig_perform(&rig, &c, SPAN_LIT("[1,\"two\"]"));

	free(argv[2]);
	ck_assert_int_eq(rig_exit_status(&end), status);
	return end;
}

static inline struct rig_end function(const char *name, const char *args)
{
	struct job_class_source c = {.limits = rig_limits(JOB_FUNCTION), .function = name};

	return rig_perform(&rig, &c, span_of(args));
}

static inline void shell_prints(const char *script, const char *expected)
{
	struct rig_end end = shell(script, 0);

	ck_assert_str_eq(end.output.data, expected);
	ck_assert_str_eq(end.lines.data, "");
	rig_end_fini(&end);
}

#endif
