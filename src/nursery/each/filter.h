/*
 * nursery/each/filter: the process that is given items, a line each, and answers a line each. It is
 * started once, at the first item; a dead one is started again at the next. In the child of an
 * `each`. Between a line and its answer we never cut it off.
 */
#ifndef DROVER_NURSERY_EACH_FILTER_H
#define DROVER_NURSERY_EACH_FILTER_H

#include <stdbool.h>

#include "nursery/each/program.h"

#define FILTER_ANSWER_MAX 65536

struct filter {
	const struct job_message *m;
	struct program program;
	int in, out;	    /* our ends */
	bool has_answered;  /* this process, once */
	bool is_known;	    /* one did, or it was said that none does */
	bool was_talkative; /* more than one line an item; said once */
	bool is_cut;	    /* the answer at hand was longer than it may be */
	size_t sent, len;
	char *bytes; /* `len` that came since it was asked */
};

void filter_init(struct filter *f, const struct job_message *m);

/*
 * Gives it `line`, which ends with a newline, and waits for the answer, which stands until the next
 * call: 1. 0: it died over it, in `err` how. -1: it cannot be started.
 */
int filter_ask(struct filter *f, struct span line, struct span *answer, struct err *err);

/* Tells it that there are no more items, and waits a short while for its end. */
void filter_close(struct filter *f);

#endif
