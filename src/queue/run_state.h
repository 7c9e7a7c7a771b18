/*
 * queue/run_state: the states of a run, and which may follow which. Pure. The scripts decide, each
 * by the rows it needs; this is the whole table.
 */
#ifndef DROVER_QUEUE_RUN_STATE_H
#define DROVER_QUEUE_RUN_STATE_H

#include <stdbool.h>

#include "base/text.h"

enum run_state {
	RUN_UNKNOWN, /* no word of ours: may follow nothing, and nothing it */
	RUN_QUEUED,
	RUN_DELAYED,
	RUN_PARKED,
	RUN_RUNNING,
	RUN_THROTTLED,
	RUN_INTERRUPTED,
	RUN_RETRYING,
	RUN_PAUSING,
	RUN_PAUSED,
	RUN_CANCELLING,
	RUN_CANCELLED,
	RUN_FAILED,
	RUN_DONE,
	RUN_STATES
};

const char *run_state_name(enum run_state state);
enum run_state run_state_read(struct span word);

/*
 * May a run in `from` become `to`? done -> queued is for retry-errors alone, and failed -> queued
 * for retry. pausing -> running: the wish was taken back before the item had ended.
 */
bool run_state_may(enum run_state from, enum run_state to);

/* done, failed, cancelled */
bool run_state_ended(enum run_state state);

#endif
