/*
 * client/torture: what `drover torture` asks of Redis beyond the public calls, in a namespace of
 * its own and nowhere else.
 */
#ifndef DROVER_CLIENT_TORTURE_H
#define DROVER_CLIENT_TORTURE_H

#include "drover/client.h"

/* Puts jobs of `class_name` without arguments and with these ids at the end of `queue`. */
int torture_push(struct drover_client *c, const char *queue, const char *class_name,
	char *const *jids, size_t n, struct drover_error *error);

/* Every namespace of a torture begins so; no other is ever emptied. */
#define TORTURE_NAMESPACE "drover-torture-"

/* Jobs that have left for good, and how many of them as failed. */
int torture_count(struct drover_client *c, long long *processed, long long *failed,
	struct drover_error *error);

/* What the record of a run says: 1 where it is done, else 0. */
int torture_run_done(struct drover_client *c, const char *jid, long long *done, long long *errors,
	struct drover_error *error);

/* Removes every key of the client's namespace, in small steps; returns how many. */
long long torture_remove_keys(struct drover_client *c, struct drover_error *error);

#endif
