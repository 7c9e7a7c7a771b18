/*
 * slot: one worker: room for one running job. Its life is the state table in slot.c; nothing else
 * changes a slot's state. What it needs from its surroundings is in struct slot_ops, so that the
 * table can be tested without a process.
 */
#ifndef DROVER_SUPERVISOR_SLOT_H
#define DROVER_SUPERVISOR_SLOT_H

#include "supervisor/job/ahead.h"
#include "supervisor/job/child.h"
#include "supervisor/job/iteration.h"
#include "supervisor/job/iteration_message.h"
#include "supervisor/job/job.h"
#include "supervisor/job/outcome.h"
#include "supervisor/job/output.h"
#include "supervisor/state/scoreboard.h"
#include "supervisor/process/tree.h"

enum slot_state {
	SLOT_FREE,	/* no job; a spare child may wait */
	SLOT_STARTING,	/* the script `start` is asked */
	SLOT_LAUNCHING, /* has a job, waits for a child */
	SLOT_RUNNING,
	SLOT_ENDING,   /* SIGTERM sent, kill_grace runs */
	SLOT_KILLED,   /* SIGKILL sent */
	SLOT_CLEARING, /* the main process is gone, what it left is being ended */
	SLOT_VERDICT,  /* the verdict is not confirmed yet */
	SLOT_STATES
};

enum slot_event {
	SLOT_EV_BAD,	   /* a job that cannot be run: no JSON, no class for it */
	SLOT_EV_ASK,	   /* a job whose class asks for `start` */
	SLOT_EV_PLAIN,	   /* any other job */
	SLOT_EV_GO,	   /* `start` says go */
	SLOT_EV_STALE,	   /* `start` says that it is not ours any more, or that it is parked */
	SLOT_EV_CANCELLED, /* somebody cancelled it before it began */
	SLOT_EV_DIVIDED,   /* `start` says that parts of it failed: they take its place */
	SLOT_EV_DUPLICATE, /* `start` says that another job like it is there; said.note is its jid */
	SLOT_EV_READY,	   /* a child waits for a job */
	SLOT_EV_FITS,	   /* .. and it is one for this job */
	SLOT_EV_NO_CHILD,  /* none could be made */
	SLOT_EV_GIVE_UP,   /* .. for long enough */
	SLOT_EV_DONE_NEXT, /* the same, and the next one is here already */
	SLOT_EV_DONE,	   /* the child says that this job is done and waits for another */
	SLOT_EV_EXITED,
	SLOT_EV_END,   /* end the job: SIGTERM first */
	SLOT_EV_KILL,  /* end the job at once */
	SLOT_EV_TIMER, /* timeout, kill_grace or spawn delay, by state */
	SLOT_EV_CLEARED,
	SLOT_EV_AGAIN, /* its child died in an item: another one goes on there */
	SLOT_EV_CONFIRMED,
	SLOT_EVENTS
};

struct slot;
struct cgroup_leaf;

struct slot_ops {
	bool (*is_cancelled)(void *ctx, struct span jid);
	void (*ask_start)(void *ctx, struct slot *s);
	bool (*is_current)(void *ctx, const struct settings *settings); /* no reload came since */
	/* Asked before a process is wanted, and when it stands. False: the job goes back. */
	bool (*may_begin)(void *ctx, const struct slot *s);
	void (*begins)(void *ctx, const struct slot *s); /* it is given to its process next */
	void (*set_limits)(void *ctx, struct slot *s);	 /* from outside, before the job is given */
	int (*board_fd)(void *ctx);			 /* of the scoreboard; -1: none */
	/* An end of a socket on which its collection is told (wire/stream.h); -1: there is none. */
	int (*open_stream)(void *ctx, struct slot *s);
	void (*close_stream)(void *ctx, struct slot *s);
	void (*grant)(void *ctx, struct slot *s); /* sets how many items it may begin */
	void (*note_end)(
		void *ctx, struct slot *s); /* its child is gone: to which end did it go? */
	/* It waits for what it said to be kept; or what it printed last is to be kept. */
	void (*tell_soon)(void *ctx, struct slot *s);
	void (*tell_last)(void *ctx, struct slot *s);
	/* Asks for a child; the answer is READY or NO_CHILD, never before this returns. */
	void (*spawn)(void *ctx, struct slot *s, enum nursery_kind kind);
	void (*spawn_overdue)(void *ctx, struct slot *s); /* asked for long ago, and no answer */
	void (*child_known)(void *ctx, pid_t pid, bool known); /* from hello to the reaping */
	void (*spawn_answered)(void *ctx);		       /* hello, or the end of it */
	bool (*clear)(void *ctx, struct slot *s); /* true: nothing is left; else CLEARED follows */
	/* `wait`: CONFIRMED follows; else the slot goes on at once. */
	void (*send_verdict)(void *ctx, struct slot *s, const struct verdict *v, bool wait);
	void (*give_back)(void *ctx, struct slot *s, struct job *job); /* it never began; freed */
	void (*freed)(void *ctx, struct slot *s);
	void (*kill_tree)(
		void *ctx, struct slot *s); /* beyond the group, where a cgroup allows it */
};

/* What a job said on its job socket. */
struct slot_said {
	struct text exception, message, backtrace_json;
	struct text result, note;
	int64_t progress_done, progress_total; /* -1: not said */
	int64_t delay_ms;		       /* when to try again; -1: not said */
	bool news;			       /* note, result or progress since it was told last */
	bool warned;			       /* about a line that is none */
	bool done;			       /* `done STATUS` */
	int done_status;
};

struct slot {
	unsigned number; /* from 1, over all pools */
	char *worker_id;
	const char *lease;
	int64_t kill_grace_ms;
	void *pool;
	bool retiring; /* goes when it is free */
	enum slot_state state;
	struct job *job; /* NULL in FREE */
	struct child child;
	enum nursery_kind child_kind;
	const struct class_settings
		*child_class;	       /* the child is bound to it (reuse); NULL: to none */
	pid_t spawn_nursery;	       /* which one was asked for the child that is SPAWNING */
	bool child_final;	       /* it is given no further job */
	int child_jobs;		       /* how many it has been given */
	struct scoreboard_place place; /* where it says what it runs */
	struct cgroup_leaf *leaf;      /* where its children are born; NULL: it does without one */
	int leaf_failures;	       /* children in a row that never came from there */
	bool kernel_holds_memory,
		kernel_holds_processes; /* of the job in hand: no need to sample */
	struct output output;
	struct slot_said said;
	struct iteration iteration;
	bool mark_due;	 /* its lease entry shall say that it has a record, and does not yet */
	bool record_due; /* .. which begins then, for its class asked for none */
	bool marks;	 /* this start has said a `cursor` line, and has marks on the board */
	struct each_message *each; /* what its child is told; NULL: its job is none */
	struct stream *stream; /* where its collection comes from; NULL: from its child itself */
	int64_t stop_grace_ms; /* between a polite stop and the end of patience; CONF_NONE */
	struct ending ending;
	int64_t started_mono_us;
	int64_t item_mono_ms; /* when a job that says `cursor` lines said its last */
	struct ahead ahead;
	int64_t next_sample_mono_ms, next_pss_mono_ms;
	int64_t spawn_delay_ms;
	bool start_due;	 /* the script `start` is to be asked in this turn */
	bool stop_asked; /* told to stop politely: a `cursor` is answered "stop" */
	struct event timer;
	struct event_base *base;
	const struct slot_ops *ops;
	void *ctx;
	struct slot *next;
};

struct slot *slot_new(struct event_base *base, unsigned number, const char *worker_id,
	const char *lease, const struct slot_ops *ops, void *ctx);
void slot_free(struct slot *s);	   /* it is FREE and has no child */
void slot_discard(struct slot *s); /* as it is: the process ends */

/* The one way into the table. An event that a state does not know is our bug. */
void slot_handle(struct slot *s, enum slot_event event);

/* Gives a FREE slot a job, which it owns from here on. */
void slot_take(struct slot *s, struct job *job);

/* Ends the job in hand for `reason` (the first reason counts), with SIGTERM or at once. */
void slot_end(struct slot *s, enum end_reason reason, bool at_once);

/*
 * Its job shall stop between two items, and `why` says what becomes of it then; one that does not iterate
 * hears of it at its first checkpoint, if it has one.
 */
void slot_stop(struct slot *s, enum iteration_stop why);

/* What `start` answered to an iterating job. */
void slot_read_start(struct slot *s, struct span answer);

/* It can be stopped between two items. */
bool slot_iterates(const struct slot *s);

/* A job that says `cursor` lines goes on with its next iteration: its timeout begins anew. */
void slot_item_begins(struct slot *s);

/* CLEARING is over: nothing of its process is left. */
void slot_cleared(struct slot *s);

/* What was said is kept: it may go on, unless it is to stop. */
void slot_answer(struct slot *s);

/* Jobs it was given ahead go back: all, or those that wait too long. */
void slot_return_ahead(struct slot *s);
void slot_drop_ahead(struct slot *s); /* they are another supervisor's by now */

/* Another job for a slot that is busy with one of the same class; false: it cannot be for this slot. */
bool slot_take_ahead(struct slot *s, struct job *job);

/* Lets a spare child go that nobody needs. */
void slot_dismiss_spare(struct slot *s);

bool slot_is_busy(const struct slot *s); /* has a job that is not yet judged */
const char *slot_state_name(enum slot_state state);

/* -- between slot.c and slot_iterate.c -- */

void slot_set_timer(struct slot *s, int64_t ms); /* below 0: none */
void slot_give_message(struct slot *s);		 /* its child is given the job */
void slot_look_at_item(struct slot *s); /* its timer fired: is the item in hand over its time? */
void slot_forget_iteration(struct slot *s);

#endif
