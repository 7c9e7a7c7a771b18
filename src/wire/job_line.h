/*
 * wire/job_line: the lines a job says on its job socket (DROVER_FD), UTF-8 ended by "\n".
 *
 *   cursor TEXT          answered "go" or "stop"; TEXT: any bytes but newline and NUL, at most 4,000
 *   progress DONE [TOTAL]
 *   note TEXT
 *   result JSON          at most 64 KiB
 *   error JSON           {"exception": .., "message": .., "backtrace": [..]}
 *   delay DURATION
 *   done STATUS          only from the runtime of a C function, between two jobs of one child
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
	JOB_LINE_DONE
};

struct job_line {
	enum job_line_kind kind;
	struct span text;    /* cursor, note, result, error: what stands behind the word */
	int64_t done, total; /* progress; total -1: not said */
	int64_t delay_ms;
	int status; /* done */
};

/* Reads one line without its newline. -1 and a reason where it is none of the above. */
int job_line_parse(struct job_line *out, struct span line, struct err *err);

#endif
