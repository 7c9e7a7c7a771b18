/* cli/wait: --wait of the verbs enqueue and run. */
#ifndef DROVER_CLI_WAIT_H
#define DROVER_CLI_WAIT_H

#include <stdint.h>

#include "cli/cli.h"

#define WAIT_OPTION \
	"--wait", ARGS_MAYBE, "DURATION", "until the job has ended, or so long (30s, 10m)"

/* How long: UNITS_NONE where no time is given. An exit code. */
int wait_read(const struct args *args, int64_t *most_ms);

/* Told each time the record was read, and with NULL before anything is said at the end. */
typedef void wait_look_fn(void *ctx, const struct drover_job_info *job);

/*
 * Stays until the job has ended; says how where it did not end well, and puts the document of
 * --json into `out`. `look` may be NULL. Returns the exit code.
 */
int wait_until_ended(
	struct cli *cli, const char *jid, int64_t most_ms, wait_look_fn *look, void *ctx);

/* For verbs that look again and again: sleeps, and makes the pause longer. */
#define WAIT_FIRST_MS 50
void wait_pause(int64_t *pause_ms, int64_t most_ms);

#endif
