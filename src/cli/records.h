/* cli/records: which failed records a command line means, for the verbs failed and retry. */
#ifndef DROVER_CLI_RECORDS_H
#define DROVER_CLI_RECORDS_H

#include "cli/cli.h"

/* The filters, as rows of a verb's options. */
#define RECORDS_CLASS "--class", ARGS_VALUE, "NAME", "records of this class only"
#define RECORDS_QUEUE "--queue", ARGS_VALUE, "NAME", "records of jobs from this queue only"
#define RECORDS_ERROR "--error", ARGS_VALUE, "TEXT", "records with this text in exception or error"

struct drover_failed_filter records_filter(const struct args *args);
bool records_has_filter(const struct args *args);

/*
 * The record that `name` means: a position in the list, or the jid of its job (the newest one).
 * Its bytes are copied into *record, so that nothing that moves meanwhile is hit in its place.
 * Returns an exit code; what went wrong has been said.
 */
int records_find(struct cli *cli, const char *name, struct text *record, long long *index);

#endif
