/*
 * lease: a model of the lease protocol for spin. Two supervisors with one worker each, two jobs,
 * one Redis, connections that break, requests that arrive late.
 *
 *   redis.pml       the scripts of src/queue/lua, one atomic step each
 *   supervisor.pml  what droverd asks and how it takes the answers
 *   faults.pml      what goes wrong, how often at most, and the calm after it
 *   processes.pml   who may do what, when
 *   lease.ltl       what must hold, as never-claims
 *
 * README.md says what is bounded, what is left out, and how it is run.
 */
#ifndef FETCHES
#define FETCHES 2 /* numbers of fetch a lease can use */
#endif
#ifndef ADOPTS
#define ADOPTS 1 /* numbers of adopt a lease can use */
#endif
#ifndef WIDTH
#define WIDTH 2 /* entries one adoption can bring */
#endif
#ifndef IDS
#define IDS 2 /* lease ids a supervisor can have, one after the other */
#endif
#ifndef LATE
#define LATE 1 /* requests of broken connections that may arrive later */
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef CUTS
#define CUTS 0 /* connections broken */
#endif
#ifndef STALLS
#define STALLS 0 /* leases of the living that run out */
#endif
#ifndef LOSSES
#define LOSSES 0 /* 1: Redis goes back to an older state, once */
#endif
#ifndef STOPS
#define STOPS 0 /* supervisors told to end */
#endif
#ifndef RETURNS
#define RETURNS 0 /* jobs that run and go back to their queue: retries, interruptions */
#endif
#ifndef AMO
#define AMO 0 /* 1: job 0 is at most once */
#endif

#define JOBS 2
#define SUPERVISORS 2
#define PIPE 2 /* requests under way on one connection */
#define LEASES (SUPERVISORS * IDS)
#define TOKENS (FETCHES + ADOPTS * WIDTH)

/*
 * A table from token (or job) to a small number stands in one int, three bits each. A token is
 * that of fetch NUMBER: NUMBER - 1; of adopt NUMBER, entry I: FETCHES + (NUMBER - 1) * WIDTH + I.
 * An entry is the job + 1, and STARTED if `start` marked it. 0: none.
 */
#define AT(table, i) (((table) >> (3 * (i))) & 7)
#define SET(table, i, v) table = ((table) & ~(7 << (3 * (i)))) | ((v) << (3 * (i)))
#define STARTED 4
#define JOB(e) (((e) & 3) - 1)
#define FIRST_ADOPTED(number) (FETCHES + ((number) - 1) * WIDTH)
#define MASK_ADOPTED ((1 << (3 * WIDTH)) - 1)
#define IS_AMO(job) (AMO && (job) == 0)

#define BIT(set, i) (((set) >> (i)) & 1)
#define ADD(set, i) set = (set) | (1 << (i))
#define DROP(set, i) set = (set) & ~(1 << (i))

/* Requests, and what Redis says to them. */
#define NONE 0
mtype = { BEAT, FETCH, START, FINISH, ADOPT, REENTER, LEAVE };
mtype = { OK, UNKNOWN, OLD, TAKEN, FORGOTTEN, STALE };

typedef message {
	byte kind;
	byte lease;
	byte number; /* of fetch, adopt; the token of start, finish; `registering` of beat */
	byte detail; /* verdict of finish; lease + 1 to adopt; numbers answered of beat, reenter */
	int table;   /* what is in hand; the job of finish; in the answer: entries */
}

/* Redis. The lease hash of id L is entry[L] with its two marks. */
int entry[LEASES];
byte fetch_mark[LEASES];
byte adopt_mark[LEASES];
byte named;  /* drover:supervisors */
byte taken;  /* drover:taken */
byte queue = 1 | (1 << 3); /* how often each job stands in it */
byte done;   /* how often each job was ended for good, done or failed */

/* The supervisors. */
#define DONE 1
#define HEAD 2
#define FAILED 3
#define FREE 0
#define STARTING 1
#define RUNNING 2

typedef supervisor {
	bool up = true;
	byte id;
	bool registered, held, reenter_due, draining;
	byte number, answered;		    /* of fetch */
	byte adopt_number, adopt_answered;
	byte worker, token, job;	    /* what the one worker does; its entry */
	int hand;			    /* token -> entry: with the worker, or with a verdict */
	int verdict;			    /* token -> verdict: the outbox */
}

supervisor sup[SUPERVISORS];
message pipe[SUPERVISORS * PIPE]; /* the connection of each: in order */
message late[LATE];
#define LEASE(s) ((s) * IDS + sup[s].id)
#define OWNER(l) ((l) / IDS)
#define IS_DEAD(l) (!sup[OWNER(l)].up || LEASE(OWNER(l)) != (l))
#define IS_RUNNING(s, j) (sup[s].worker == RUNNING && JOB(sup[s].job) == (j))

/* For the properties alone. */
byte places[JOBS] = 1; /* where in Redis each job stands */
byte starts;	     /* how often job 0 was given to a child */
bool unnamed;	     /* an entry in a lease that nobody names */
bool stale_changed;  /* a verdict without its token changed something */
bool mixed;	     /* a verdict met another job under its token */
bool lost_writes, lost_start, over, unsettled;

/* What may still go wrong. */
byte kills = KILLS, cuts = CUTS, stalls = STALLS, losses = LOSSES, stops = STOPS, returns = RETURNS;
bool calm, begun;

/* The supervisors are alike: whichever is hit first is called 0. */
#if KILLS
#define MAY_KILL(s) (kills && ((s) == 0 || kills < KILLS))
#define MAY_CUT(s) cuts
#define MAY_STALL(l) stalls
#elif CUTS
#define MAY_KILL(s) false
#define MAY_CUT(s) (cuts && ((s) == 0 || cuts < CUTS))
#define MAY_STALL(l) stalls
#else
#define MAY_KILL(s) false
#define MAY_CUT(s) false
#define MAY_STALL(l) (stalls && (OWNER(l) == 0 || stalls < STALLS))
#endif

/* Scratch, never part of a state. */
hidden int i, k, e, pick, before, says, reply;
hidden byte restored;
#ifdef BAD_ADOPT_MARKS_LATER
byte moved; /* leases whose entries were moved, the mark to come */
#endif

#include "redis.pml"
#include "supervisor.pml"
#include "faults.pml"
#include "processes.pml"
#include "lease.ltl"

init {
	atomic {
		run droverd(0);
		run droverd(1);
		run world();
	}
}
