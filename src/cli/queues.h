/* cli/queues: queues as rows, for the verbs queues and queue. */
#ifndef DROVER_CLI_QUEUES_H
#define DROVER_CLI_QUEUES_H

#include "cli/cli.h"

struct queues {
	struct doc doc;
	struct table table;
};

void queues_init(struct queues *q);
void queues_add(void *ctx, const struct drover_queue_info *queue); /* a drover_queue_fn */
/* Hands what is asked for to `cli`; `q` is empty then. */
void queues_finish(struct queues *q, struct cli *cli);

#endif
