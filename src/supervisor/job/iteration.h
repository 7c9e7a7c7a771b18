/*
 * iteration: how far the job in hand is, where it is an iterating one: of an `each`, or a command or
 * function that says `cursor` lines. What `start` told, what the scoreboard shows, what the job said and
 * how it was told to stop; together they are its position, which goes to Redis with every checkpoint and
 * every verdict.
 */
#ifndef DROVER_SUPERVISOR_ITERATION_H
#define DROVER_SUPERVISOR_ITERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/verbs.h"
#include "supervisor/job/job.h"
#include "supervisor/state/scoreboard.h"
#include "wire/job_line.h"

/* Told to stop between two items, and what becomes of it then. The first reason counts, but for cancel. */
enum iteration_stop {
	ITERATION_GO,
	ITERATION_STOP, /* a drain, a reload, fewer workers, a paused queue: to the head of its queue */
	ITERATION_PAUSE,
	ITERATION_CANCEL
};
const char *iteration_stop_name(enum iteration_stop stop);

/* An item that was set aside, or healed; its child waits until that is kept. */
struct iteration_aside {
	int64_t number;	  /* 0: there is none */
	struct text json; /* empty: healed */
	bool sent;
};

struct iteration {
	bool on;      /* the job in hand is one */
	bool cursors; /* by lines, and droverd writes its marks */

	/* as `start` told */
	bool first, planned;
	int64_t total, run_errors, stuck;
	struct text divided; /* parts that failed, of a run that starts again as a whole */
	struct text bounds, rate;

	/* how far; refreshed from the scoreboard */
	int64_t number, done, errors, end;
	struct text cursor;
	int64_t started_number; /* when this start began */
	int64_t hand;		/* item in hand, as the board shows it; 0: none */
	bool resting;		/* .. between two tries of it */
	int64_t item, tries;	/* one that was tried in vain so often; 0: none */
	struct text died;	/* how the last try ended, where its child died in it */

	/* what it said */
	int64_t wait_ms; /* -1: it does not wait */
	enum job_wait wait;
	struct text reason; /* .. why, for people; or of the pause it asks for */
	bool slice, hold;
	bool divides;  /* its plan was answered `stop`: parts take its place */
	bool plan_due; /* what it counted is not in its record yet */
	struct iteration_aside aside;
	int64_t listed; /* the last item it said to set aside */
	int64_t forget; /* .. which its child did not pass: it is tried again, and no error yet */

	enum iteration_stop stop;
	int64_t stop_by_mono_ms;
	int64_t granted; /* items this start may begin; INT64_MAX: no rate */
	double share;	 /* of an item, while Redis is away */
	/* A smaller end it was offered, 0: none; and the part that begins there. */
	int64_t offered, offered_part;
	struct text offered_cursor;

	/* since it was told last */
	bool told_state_due; /* waiting or working again */
	int64_t told_number, told_mono_ms;
	double speed;	     /* items/s, lately */
	struct text trouble; /* it cannot be begun, and why: a collection; empty: it can */
};

void iteration_fini(struct iteration *it);

/* Lines "NAME VALUE" behind the `go` of `start`. */
void iteration_read_start(struct iteration *it, const struct job *j, struct span answer);

/* A job that says its first `cursor` line, or may: from here on it is an iterating one. */
void iteration_begin_cursors(struct iteration *it);

/* Reads what the board shows of this start. */
void iteration_look(struct iteration *it, struct scoreboard_place place);

/* Pure: since when (CLOCK_MONOTONIC, ms) its item is in hand; -1: none is, or it waits for us. */
int64_t iteration_in_hand_since(const struct iteration *it, const struct scoreboard_begun *begun);

/* Appends its position (queue/verbs.h). */
void iteration_add_position(
	struct text *out, const struct iteration *it, const struct job *j, bool at_work);

/* Any job's: only whose it is. */
void iteration_add_place(struct text *out, const struct job *j);

/* Pure: how many parts a run may be divided into, and whether its plan lets it. */
int64_t iteration_parts_wanted(const struct job *j);
bool iteration_can_divide(const struct iteration *it, const struct job *j);

/* Pure: it was planned, but whoever planned it was stopped or lost before it was divided. */
bool iteration_is_to_divide(const struct iteration *it, const struct job *j);

/* The parts of VERDICT_DIVIDED: all of a plan, or those in `divided`. */
void iteration_add_parts(struct text *out, const struct iteration *it, const struct job *j);

/*
 * Pure: the place at which to give away the later half of what is left behind `number`: index of the
 * bound whose number is *at; -1: too little is left.
 */
int64_t iteration_halve(struct span bounds, int64_t number, int64_t end, int64_t *at);

/* The cursor of bound `index`, decoded. */
void iteration_add_bound(struct text *out, struct span bounds, int64_t index);

#endif
