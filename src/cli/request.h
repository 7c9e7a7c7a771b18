/* cli/request: what the verbs enqueue and run have in common: arguments, times, the answer. */
#ifndef DROVER_CLI_REQUEST_H
#define DROVER_CLI_REQUEST_H

#include "cli/cli.h"
#include "cli/wait.h"

/* Rows for the options of a verb: {REQUEST_ARGS}, ... */
#define REQUEST_ARGS "--args", ARGS_VALUE, "JSON", "the arguments, a JSON array"
#define REQUEST_IN   "--in", ARGS_VALUE, "DURATION", "not before so long from now"
#define REQUEST_AT   "--at", ARGS_VALUE, "TIME", "not before this time, RFC 3339 or epoch seconds"
#define REQUEST_ID   "--id", ARGS_VALUE, "KEY", "a request id: the same one is always the same job"

#define REQUEST_FROM  "--from", ARGS_VALUE, "N", "begin with this item"
#define REQUEST_TO    "--to", ARGS_VALUE, "N", "end with this one"
#define REQUEST_LIMIT "--limit", ARGS_VALUE, "N", "at most so many items"

/* --from, --to, --limit and --parallel, as far as they are given. An exit code. */
int request_read_window(const struct args *args, struct drover_each *each);

/* The arguments as JSON: those of --args, or the words from `first` on. An exit code. */
int request_make_args(const struct args *args, size_t first, struct text *out);

/* --in, --at, --id, and what the configuration says of its class. An exit code. */
int request_read(const struct cli *cli, struct drover_request *r);

/* Enqueues it. An exit code. */
int request_enqueue(
	struct cli *cli, const struct drover_request *r, struct drover_enqueued *answer);
/* Prints its jid, and with --wait stays until it has ended. An exit code. */
int request_finish(struct cli *cli, const struct drover_enqueued *answer, int64_t most_ms,
	wait_look_fn *look, void *ctx);

#endif
