/*
 * wire/stream: what a child whose collection stands in Redis asks drover-items, over a SOCK_STREAM
 * socket that droverd hands it with the job (behind the scoreboard's descriptor, where
 * job_collection.stream says so); it is descriptor STREAM_FD of drover-items. The child knows no Redis. One question at a time, each a line:
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
 * Cursors are drover-items' own. End of file on either side ends the other.
 */
#ifndef DROVER_WIRE_STREAM_H
#define DROVER_WIRE_STREAM_H

#define STREAM_FD      3
#define STREAM_READ_MAX (256 * 1024)
#define STREAM_NEXT_MAX 1000

#endif
