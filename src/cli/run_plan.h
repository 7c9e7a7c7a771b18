/* cli/run_plan: drover run --dry-run. */
#ifndef DROVER_CLI_RUN_PLAN_H
#define DROVER_CLI_RUN_PLAN_H

#include "cli/cli.h"

/* Counts the items that `request` would go over, and shows the first ones. An exit code. */
int run_show_plan(struct cli *cli, const struct drover_request *request);

#endif
