/*
 * cli/plan: the items of a collection, counted and read on this machine by the nursery that would go
 * through them, without performing any of them.
 */
#ifndef DROVER_CLI_PLAN_H
#define DROVER_CLI_PLAN_H

#include "base/err.h"
#include "conf/conf.h"
#include "message/each.h"

struct plan_request {
	const struct conf_class *class; /* with an `each` */
	const char *class_name;
	struct each_asked asked;
	const char *csv; /* a file in place of the class's, "-": standard input; NULL: none */
	int64_t most;	 /* items to be read, from 1 on */
};

struct plan_item {
	int64_t number, last; /* of several, where it is a batch */
	struct text cursor, item;
};

struct plan {
	int64_t total; /* -1: not known */
	struct plan_item *items;
	size_t n, cap;
};

#define PLAN_ALL 1000000000

/* -1 and a sentence where the collection cannot be read. To be freed in either case. */
int plan_read(struct plan *p, const struct plan_request *r, struct err *err);
void plan_fini(struct plan *p);

#endif
