/*
 * supervisor: droverd's own parts, put together. The struct is passed to the files that join
 * parts (those named below); the parts themselves know nothing
 * of it.
 */
#ifndef DROVER_SUPERVISOR_SUPERVISOR_H
#define DROVER_SUPERVISOR_SUPERVISOR_H

#include <event2/event.h>
#include <stdbool.h>

#include "supervisor/standing/lease.h"
#include "supervisor/process/nursery.h"
#include "supervisor/standing/outbox.h"
#include "supervisor/process/pid_set.h"
#include "supervisor/fleet/pool.h"
#include "supervisor/standing/resque_view.h"
#include "supervisor/settings.h"
#include "supervisor/process/strays.h"
#include "supervisor/process/stream.h"
#include "supervisor/standing/wake.h"

enum { LEASE_ID_MAX = 320 };

struct adoption;
struct checkpoints;
struct cgroup_root;
struct grants;
struct schedule;
struct scheduler;
struct wishes;

enum supervisor_state {
	SUPERVISOR_STARTING, /* not ready yet */
	SUPERVISOR_RUNNING,
	SUPERVISOR_QUIET,    /* USR2: takes nothing new */
	SUPERVISOR_DRAINING, /* takes nothing new and ends when all is done */
	SUPERVISOR_LEAVING,  /* says good-bye to Redis */
	SUPERVISOR_ENDED
};

struct supervisor {
	struct event_base *base;
	struct settings *settings;
	struct redis_options redis_options;
	struct redis *redis;
	struct verbs verbs;
	char lease_id[LEASE_ID_MAX];
	struct lease *lease;
	struct outbox *outbox;
	struct wake *wake;
	struct resque_view *view;
	struct adoption *adoption;
	struct wishes *wishes;
	struct checkpoints *checkpoints;
	struct grants *grants;
	struct schedule *schedule;
	struct scheduler *scheduler;
	struct strays *strays;
	struct nursery *nurseries[NURSERY_KINDS]; /* NULL: not needed by any class */
	struct nursery *trial[NURSERY_KINDS];	  /* of a reload under way */
	void (*trial_done)(struct supervisor *s, const struct err *why);
	struct settings *reloading; /* waits for them; NULL: no reload under way */
	struct nursery **retired;   /* replaced, not ended yet */
	size_t n_retired;
	struct pool *pools;
	struct slot *leaving; /* retired slots whose spare child has not ended yet */
	enum supervisor_state state;
	bool wait_for_redis; /* --wait */
	bool was_up;	     /* Redis answered at least once */
	bool lease_left;     /* it was given back, with nothing in it */
	bool down_said;
	int64_t down_since_mono_ms;
	unsigned pools_made;   /* so that no two share a mark in the lease */
	uint64_t spawn_serial; /* of the last spawn asked for */
	int64_t started_wall_ms;
	int exit_code;
	int drain_step;			     /* how often TERM came */
	int64_t hold_verdicts_until_mono_ms; /* see drain_holds_verdicts */
	struct event *trial_deadline, *log_timer;
	int drain_waits; /* seconds that a drain waited for verdicts to be taken */
	struct event *turn, *batch, *poll, *sample, *drain_timer, *connect_deadline;
	unsigned watch_generation; /* pools_made when the watch under way was asked */
	unsigned tick_generation;  /* .. the tick */
	bool tick_under_way, tick_refusal_said;
	struct text wrong_types; /* queues that were said to be no lists */
	bool strays_due;	 /* a spawn was answered: strangers may be judged */
	bool orphans_possible;	 /* some class has, or had, adopt_orphans: false */
	struct pid_set known;	 /* children that have said hello, drover-items; not reaped */
	struct streams *streams; /* drover-items, one for each job whose collection is in Redis */
	bool reenter_due;
	bool batch_over; /* verdicts that waited for others go out in this turn */
	bool fleet_due;	 /* slots come or go: settle them in this turn */
	bool turn_due, watch_due, watch_under_way, enlisted;
	struct cgroup_root *cgroup; /* NULL: limits are sampled */
	struct home *home;	    /* our folder in state_dir */
	struct exclusive *exclusive;
	struct presence *presence; /* see presence.c */
};

/* Takes over the settings. Returns the exit code of the program. */
struct supervisor_options {
	bool wait_for_redis; /* --wait */
	const char *cgroup;  /* --cgroup; NULL: find our own */
};
int supervisor_run(struct settings *settings, const struct redis_options *redis,
	const struct supervisor_options *options);

/* Something may be sent at the end of this turn of the loop: verdicts, fetches, a watch, log lines. */
void supervisor_turn(struct supervisor *s);

/* Every pool may have work: after a wake-up, a reload, a resume. */
void supervisor_look_for_work(struct supervisor *s);

/* Jobs may begin: measure them. */
void supervisor_expect_jobs(struct supervisor *s);

bool supervisor_may_fetch(const struct supervisor *s);
void supervisor_end(struct supervisor *s, int exit_code); /* leaves the loop */
void supervisor_arm(struct event *timer, int64_t ms);

/* -- fleet.c: pools and slots --------------------------------------------------------------------- */

/* Makes or retires slots until every pool has as many as it shall have. */
void fleet_settle(struct supervisor *s);
void fleet_configure(struct supervisor *s); /* pools as the settings say */
void fleet_slot_freed(struct supervisor *s, struct slot *slot);
/* All slots of all pools, then those that are leaving; NULL: the first. */
struct slot *fleet_next_slot(const struct supervisor *s, const struct slot *after);
size_t fleet_busy(const struct supervisor *s);
size_t fleet_slots(const struct supervisor *s);
void fleet_free(struct supervisor *s);

#define FLEET_EACH_SLOT(s, slot)                                   \
	for (struct slot *slot = fleet_next_slot((s), NULL); slot; \
		slot = fleet_next_slot((s), slot))

/* -- nurseries.c ------------------------------------------------------------------------------------ */

bool nurseries_start(struct supervisor *s); /* those that some class needs; false: no program */
void nurseries_replace(struct supervisor *s);

/*
 * Starts those that `settings` need beside the standing ones, and calls `done` from the loop when
 * all stand (NULL) or one does not, with its reason. False: none is needed, `done` is not called.
 */
bool nurseries_try(struct supervisor *s, const struct settings *settings,
	void (*done)(struct supervisor *s, const struct err *why));
void nurseries_take_trial(struct supervisor *s); /* they take the place of the standing ones */
void nurseries_drop_trial(struct supervisor *s);
void nurseries_trial_overdue(evutil_socket_t fd, short what, void *arg);
bool nurseries_are_ready(const struct supervisor *s); /* every one that is needed stands */
void nurseries_free(struct supervisor *s);

/* -- services.c: what slots and strays need from outside themselves ----------------------------------- */

extern const struct slot_ops SERVICES_SLOT_OPS;
extern const struct strays_events SERVICES_STRAYS_EVENTS;
void services_spawn(struct supervisor *s, struct slot *slot, enum nursery_kind kind);
void services_give_up_spawn(struct slot *slot);	     /* it came to nothing */
void services_give_back(void *ctx, struct job *job); /* a job that never began; freed */

/* -- starts.c: the script `start` ---------------------------------------------------------------------- */

void starts_send(struct supervisor *s);	     /* for all slots that wait to be asked for */
void starts_ask_again(struct supervisor *s); /* the connection is new */
/* Redis lost data: what runs takes its locks anew, whoever has them. */
void starts_lock_again(struct supervisor *s);

/* -- lookout.c: when there may be work ---------------------------------------------------------------- */

extern const struct wake_events LOOKOUT_WAKE_EVENTS;
void lookout_watch(struct supervisor *s);
void lookout_poll(evutil_socket_t fd, short what, void *arg);
void lookout_tick_soon(struct supervisor *s);

/* -- standing.c: our standing with Redis -------------------------------------------------------------- */

extern const struct lease_events STANDING_LEASE_EVENTS;
extern const struct redis_events STANDING_REDIS_EVENTS;
void standing_take_new_id(struct supervisor *s);
void standing_connect_deadline(evutil_socket_t fd, short what, void *arg);

/* -- presence.c: what Redis and Resque are told of us -------------------------------------------------- */

struct presence *presence_new(void);
void presence_free(struct presence *p);
const struct span *presence_worker_ids(struct supervisor *s, size_t *n);
void presence_collect(struct supervisor *s, struct lease_holdings *out);
/* Redis lost data: what is in hand is written again. */
void presence_reenter(struct supervisor *s);

/* -- drain.c: the end --------------------------------------------------------------------------------- */

void drain_begin(struct supervisor *s, bool deadline); /* TERM, INT (deadline) and QUIT (none) */
/* Jobs ended together go back together, so that they keep their order: for a moment at most. */
bool drain_holds_verdicts(struct supervisor *s);
void drain_look(struct supervisor *s); /* is everything done? */
void drain_timer_fired(struct supervisor *s);
void drain_kill_all(struct supervisor *s, enum end_reason reason, bool at_once);

/* -- reload.c, signals.c, sample.c --------------------------------------------------------------------- */

void reload(struct supervisor *s);
void reload_forget(struct supervisor *s); /* one that is under way, if any */
void signals_install(struct supervisor *s);
void signals_remove(struct supervisor *s);
void sample_all(
	struct supervisor *s); /* memory, CPU and processes of running jobs against their limits */
int64_t sample_interval_ms(const struct supervisor *s);

#endif
