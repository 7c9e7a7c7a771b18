/* cli/jobs: one job as JSON and as lines, for the verbs jobs, job and enqueue --wait. */
#ifndef DROVER_CLI_JOBS_H
#define DROVER_CLI_JOBS_H

#include "cli/cli.h"

void jobs_add_doc(struct doc *doc, const struct drover_job_info *job);
void jobs_add_lines(struct text *out, const struct drover_job_info *job);

#endif
