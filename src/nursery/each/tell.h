/*
 * nursery/each/tell: the lines an `each` says on the job socket (wire/job_line.h), and their
 * answers. In its child, between items.
 */
#ifndef DROVER_NURSERY_EACH_TELL_H
#define DROVER_NURSERY_EACH_TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/job_line.h"

enum told {
	TOLD_GO,
	TOLD_STOP,
	TOLD_NOTHING, /* no answer: droverd is gone, and nobody has kept what was said */
};

/* An item that failed for good. */
struct tell_aside {
	int64_t number;
	struct span item, cursor_before, error;
	int64_t attempts;
	int64_t count; /* of items in it: a batch has several */
	bool part;     /* `item` may be a part of it */
};
enum told tell_aside(const struct tell_aside *a);
enum told tell_healed(int64_t number);

/* `total` -1: not known. */
enum told tell_plan(int64_t total, struct span bounds);

void tell_wait(enum job_wait why, int64_t ms, struct span text);
void tell_working(void);
void tell_slice(void);
void tell_hold(struct span text);

/* Not answered. */
void tell_item(int64_t number, enum job_item_step step, int64_t tries, struct span text);

/* Why the attempt ends; what the failure record gets. */
void tell_error(const char *exception, struct span message);

/* A line to standard error, which goes into the log. */
void tell_log(const char *text);

/* Bytes as they are to standard output, a newline behind them where none is. */
void tell_output(struct span bytes);

#endif
