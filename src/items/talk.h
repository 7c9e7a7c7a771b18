/*
 * items/talk: the socket to who asks, in drover-items: first droverd, with what is to be served, then
 * the child of a job. Waits for it as long as it takes; its end is our end.
 */
#ifndef DROVER_ITEMS_TALK_H
#define DROVER_ITEMS_TALK_H

#include "base/err.h"
#include "base/text.h"

struct talk {
	int fd;
	struct text in;
	size_t used; /* at the front of `in`; dropped with the next call */
};

void talk_fini(struct talk *t);

/* What is read lives until the next call. 1; 0: the other end is gone; -1: it makes no sense. */
int talk_read_spec(struct talk *t, struct span *spec, struct err *err);
int talk_read_line(struct talk *t, struct span *line, struct err *err);

/* All of it. 0 where the other end is gone. */
int talk_write(struct talk *t, struct span bytes);

#endif
