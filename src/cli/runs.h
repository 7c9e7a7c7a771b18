/* cli/runs: what the verbs that change a run have in common. */
#ifndef DROVER_CLI_RUNS_H
#define DROVER_CLI_RUNS_H

#include "cli/cli.h"

/* {"jid": .., "how": .., "state": .., "items": ..} or the sentence; `items` below 0: none. */
void runs_say(struct cli *cli, const char *jid, const char *how,
	const struct drover_run_change *change, const char *sentence);

/* {"paused": ..} or the sentence. */
void runs_say_all(struct cli *cli, bool paused, const char *sentence);

/* The jid, where --all is not said; an exit code where neither is, or both. */
int runs_read_which(const struct cli *cli, const char **jid);

#endif
