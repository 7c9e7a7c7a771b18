/* cli/session: which Redis, by option, environment or file, and the connection to it. */
#ifndef DROVER_CLI_SESSION_H
#define DROVER_CLI_SESSION_H

#include "base/text.h"
#include "cli/args.h"
#include "conf/conf.h"
#include "drover/client.h"

/* The file that counts; NULL: none, the defaults do. */
const char *session_find_file(const struct args *args);

/*
 * The configuration that counts: the file of -c, or the one that is found, or, where --redis is
 * given or no file is there, the defaults. NULL with one fault a line.
 */
struct conf *session_load_conf(const struct args *args, struct text *faults);

/* Connects. Returns an exit code; what went wrong has been said. */
int session_open(const struct args *args, const struct conf *conf, struct drover_client **client);

#endif
