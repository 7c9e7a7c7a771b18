/*
 * wire/job_line: the lines a job says on its job socket (DROVER_FD), UTF-8 ended by "\n".
 *
 *   cursor TEXT          answered "go" or "stop"; TEXT: any bytes but newline and NUL, at most 4,000
 *   progress DONE [TOTAL]
 *   note TEXT
 *   result JSON          at most 64 KiB
 *   error JSON           {"exception": .., "message": .., "backtrace": [..]}
 *   delay DURATION
 *
 * and, from the runtime of an `each` alone (nursery/iterate):
 *
 *   done STATUS          of a C function with `reuse`, between two jobs of one child
 *   plan TOTAL BOUNDS    what was counted: items, "-" where they cannot be; then, separated by
 *                        blanks, NUMBER:CURSOR of items where the collection can be divided, the
 *                        cursor with blanks, "%" and control characters as %XX. Answered go | stop
 *                        (it was divided: end now with 0)
 *   aside NUMBER JSON    this item is set aside: {"item","cursor","error","attempts","at"}. Answered
 *                        go once it is kept, and only then passed; or stop: kept, then end with 75
 *   healed NUMBER        an item that was set aside is done after all. Answered likewise
 *   wait WHY MS TEXT     nothing is begun for so long: WHY is throttle | backoff | rate; TEXT may be
 *                        empty. Not answered; where it ends with 75 then, that is why
 *   working              the wait is over
 *   slice                max_items or max_runtime is reached: 75 follows
 *   hold TEXT            an item failed and on_item_error is pause: 75 follows
 *   item NUMBER STEP TRIES TEXT  where JOB_EACH_TRACE asks for it: what becomes of each item; STEP is
 *                        one of enum job_item_step, TEXT the item where it is begun or set aside, else
 *                        what was said of it
 */
#ifndef DROVER_WIRE_JOB_LINE_H
#define DROVER_WIRE_JOB_LINE_H

#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#define JOB_LINE_MAX   (65536 + 64) /* a longer one is refused */
#define JOB_CURSOR_MAX 4000

#define JOB_GO	 "go\n"
#define JOB_STOP "stop\n"

enum job_line_kind {
	JOB_LINE_CURSOR,
	JOB_LINE_PROGRESS,
	JOB_LINE_NOTE,
	JOB_LINE_RESULT,
	JOB_LINE_ERROR,
	JOB_LINE_DELAY,
	JOB_LINE_DONE,
	JOB_LINE_PLAN,
	JOB_LINE_ASIDE,
	JOB_LINE_HEALED,
	JOB_LINE_WAIT,
	JOB_LINE_WORKING,
	JOB_LINE_SLICE,
	JOB_LINE_HOLD,
	JOB_LINE_ITEM
};

enum job_item_step {
	JOB_ITEM_BEGUN,
	JOB_ITEM_DONE, /* or there was nothing to do */
	JOB_ITEM_RETRY,
	JOB_ITEM_FAILED,
	JOB_ITEM_MALFORMED, /* failed, by an answer that is none */
	JOB_ITEM_ABORTED,
	JOB_ITEM_DIED,	    /* what performed it did */
	JOB_ITEM_UNTOUCHED, /* the function would not begin it, or the filter cannot be started */
	JOB_ITEM_ASIDE,
	JOB_ITEM_STEPS
};
const char *job_item_step_name(enum job_item_step step);

enum job_wait { JOB_WAIT_THROTTLE, JOB_WAIT_BACKOFF, JOB_WAIT_RATE, JOB_WAITS };
const char *job_wait_name(enum job_wait wait);

struct job_line {
	enum job_line_kind kind;
	/* cursor, note, result, error, hold: what stands behind the word; plan: the bounds; aside: the
	   JSON; wait, item: the text */
	struct span text;
	int64_t done, total;	 /* progress; total (plan's, too) -1: not said */
	int64_t delay_ms;	 /* delay, wait */
	int64_t number;		 /* aside, healed, item */
	enum job_item_step step; /* item; with `tries` */
	int64_t tries;
	enum job_wait wait;
	int status; /* done */
};

/* Reads one line without its newline. -1 and a reason where it is none of the above. */
int job_line_parse(struct job_line *out, struct span line, struct err *err);

#endif
