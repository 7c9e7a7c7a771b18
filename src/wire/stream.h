/*
 * wire/stream: what a child whose collection stands in Redis asks drover-items, over a SOCK_STREAM
 * socket that droverd hands it with the job (behind the scoreboard's descriptor, where
 * job_collection.stream says so); it is descriptor STREAM_FD of drover-items. The child knows no
 * Redis. One question at a time, each a line:
 *
 *   read OFFSET LENGTH   of an upload (drover run --csv): bytes from there on
 *                        answer "bytes N\n" and N bytes; 0: its end
 *   size                 answer "size N\n", -1: not known
 *   next COUNT CURSOR    members of a key behind that cursor ("": from the beginning)
 *                        answer "items N\n", then N times "CURSOR_LENGTH LENGTH\n", the cursor, the
 *                        bytes; 0: there are no more
 *   count                answer "count N\n": members; -1: not known
 *   anything             "error TEXT\n" instead: it cannot be answered; asking again may help
 *
 * An answer may hold fewer bytes or items than were asked for; only 0 is the end.
 * Cursors are drover-items' own. End of file on either side ends the other.
 *
 * The first thing on the socket is not a question: before the child gets its end, droverd says over
 * it what is to be served (wire/stream_spec.h).
 */
#ifndef DROVER_WIRE_STREAM_H
#define DROVER_WIRE_STREAM_H

#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#define STREAM_FD	3
#define STREAM_READ_MAX (256 * 1024)
#define STREAM_NEXT_MAX 1000
#define STREAM_LINE_MAX 4096 /* a question, its newline included */

enum stream_question_kind { STREAM_READ, STREAM_SIZE, STREAM_NEXT, STREAM_COUNT };

struct stream_question {
	enum stream_question_kind kind;
	int64_t offset, length; /* read; length is at most STREAM_READ_MAX */
	int64_t count;		/* next: 1 .. STREAM_NEXT_MAX */
	struct span cursor;	/* next; points into the line */
};

/* Reads one line without its newline. -1 and a reason where it is none of the above. */
int stream_question_parse(struct stream_question *out, struct span line, struct err *err);

#endif
