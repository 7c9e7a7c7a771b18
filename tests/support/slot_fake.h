/*
 * slot_fake: one slot without any process, its settings, and a record of what it asked of its
 * surroundings. Included by a test as "support/slot_fake.c".
 */
#ifndef DROVER_SUPPORT_SLOT_FAKE_H
#define DROVER_SUPPORT_SLOT_FAKE_H

#include "supervisor/job/slot.h"
#include "support/suite.h"

/* Classes: Plain, Tracked, Once, Long (no timeout), Retried (twice, after 7 s and 14 s), Reused (three jobs a child). */
struct fake {
	struct event_base *base;
	struct settings *settings;
	struct slot *slot;
	struct text calls;	/* names of what was asked, each with a blank behind */
	struct text text;	/* of the last verdict */
	struct text record;	/* of the last verdict: "jid field=value .. " */
	enum verdict_kind kind; /* of the last verdict */
	int64_t delay_ms;	/* .. */
	bool clears_at_once;
	bool too_late; /* no job may begin */
	enum slot_state state_when_freed;
};

void fake_start(struct fake *f);
void fake_stop(struct fake *f);

/* A job with this payload in queue "low"; its jid is "j1" where the payload names none. */
struct job *fake_job(struct fake *f, const char *payload);
void fake_take(struct fake *f, const char *class_name);

/* A child of this nursery waits. */
void fake_child(struct fake *f, enum nursery_kind kind);
/* .. and says hello to the slot. */
void fake_hello(struct fake *f, enum nursery_kind kind);
void fake_say(struct fake *f, const char *line);
void fake_print(struct fake *f, const char *bytes);
void fake_exit(struct fake *f, int code, int signal);

/* Leads the slot into a state, by events alone. */
void fake_reach(struct fake *f, enum slot_state state);

/* What was asked since the last look; good until the next one. */
const char *fake_calls(struct fake *f);

#endif
