/*
 * cli/jobs: one job as JSON and as lines, for the verbs jobs, job, runs, run-show and --wait. Of an
 * iterating one also how far it is.
 */
#ifndef DROVER_CLI_JOBS_H
#define DROVER_CLI_JOBS_H

#include "cli/cli.h"

void jobs_add_doc(struct doc *doc, const struct drover_job_info *job);
void jobs_add_lines(struct text *out, const struct drover_job_info *job);

/* How long it has waited or run; -1 where one of the two ends is not known. */
long long jobs_age(const struct drover_job_info *job);

/* -- of an iterating one (jobs_each.c) -- */

void jobs_add_each_doc(struct doc *doc, const struct drover_job_info *job);
void jobs_add_each_lines(struct text *out, const struct drover_job_info *job);
/* Its parts as a table; nothing where it is not divided. */
void jobs_add_parts(struct cli *cli, const struct drover_job_info *job);

/* "1234 of 2000 (61 %)", "1234". */
void jobs_say_progress(struct text *out, const struct drover_job_info *job);
/* "100.5/s"; nothing where it is not known. `out` holds 32 bytes; returned. */
char *jobs_say_speed(double speed, char *out);

/* A line "name  value"; nothing where there is none. */
void jobs_add_line(struct text *out, const char *name, struct span value);
void jobs_add_number(struct text *out, const char *name, long long n);

#endif
