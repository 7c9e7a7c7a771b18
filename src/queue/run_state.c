/* queue/run_state: see run_state.h. */
#include "queue/run_state.h"

static const char *const names[RUN_STATES] = {[RUN_UNKNOWN] = "",
	[RUN_QUEUED] = "queued",
	[RUN_DELAYED] = "delayed",
	[RUN_PARKED] = "parked",
	[RUN_RUNNING] = "running",
	[RUN_THROTTLED] = "throttled",
	[RUN_INTERRUPTED] = "interrupted",
	[RUN_RETRYING] = "retrying",
	[RUN_PAUSING] = "pausing",
	[RUN_PAUSED] = "paused",
	[RUN_CANCELLING] = "cancelling",
	[RUN_CANCELLED] = "cancelled",
	[RUN_FAILED] = "failed",
	[RUN_DONE] = "done"};

#define TO(state) (1u << (state))

/* Those that have not begun, or go on later: to their queue; whoever pauses one finds it there. */
#define WAITS (TO(RUN_QUEUED) | TO(RUN_PAUSING) | TO(RUN_CANCELLING))

static const unsigned follow[RUN_STATES] = {
	[RUN_QUEUED] = TO(RUN_RUNNING) | TO(RUN_PARKED) | TO(RUN_PAUSING) | TO(RUN_CANCELLING),
	[RUN_DELAYED] = WAITS,
	[RUN_PARKED] = WAITS,
	[RUN_RUNNING] = TO(RUN_DONE) | TO(RUN_FAILED) | TO(RUN_RETRYING) | TO(RUN_INTERRUPTED) |
			TO(RUN_THROTTLED) | TO(RUN_PAUSING) | TO(RUN_CANCELLING),
	[RUN_THROTTLED] = WAITS,
	[RUN_INTERRUPTED] = WAITS,
	[RUN_RETRYING] = WAITS,
	[RUN_PAUSING] = TO(RUN_PAUSED) | TO(RUN_RUNNING) | TO(RUN_CANCELLING),
	[RUN_PAUSED] = TO(RUN_QUEUED) | TO(RUN_CANCELLING),
	[RUN_CANCELLING] = TO(RUN_CANCELLED),
	[RUN_FAILED] = TO(RUN_QUEUED) | TO(RUN_CANCELLING),
	[RUN_DONE] = TO(RUN_QUEUED),
};

const char *run_state_name(enum run_state state)
{
	return names[state];
}

enum run_state run_state_read(struct span word)
{
	for (int i = RUN_QUEUED; i < RUN_STATES; i++)
		if (span_is(word, names[i]))
			return (enum run_state)i;
	return RUN_UNKNOWN;
}

bool run_state_may(enum run_state from, enum run_state to)
{
	return (follow[from] & TO(to)) != 0;
}

bool run_state_ended(enum run_state state)
{
	return state == RUN_DONE || state == RUN_FAILED || state == RUN_CANCELLED;
}
