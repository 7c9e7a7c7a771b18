/*
 * supervisor: what droverd asks Redis, when, and what it makes of the answers. One worker, one
 * pool, one verdict a call. `s` is 0 or 1.
 */
#define NOW sup[s]
#define FIRST pipe[s * PIPE]
#define SECOND pipe[s * PIPE + 1]
#define ROOM (SECOND.kind == NONE)
#define ASKS(what) (FIRST.kind == what || SECOND.kind == what)
#define ASKS_TOKEN(what, t) \
	((FIRST.kind == what && FIRST.number == t) || (SECOND.kind == what && SECOND.number == t))
#define NUMBERS (NOW.answered | (NOW.adopt_answered << 4))

/* Verdicts that are not on this connection yet, three bits a token. */
#define IN_PIPE(m) (m.kind == FINISH -> 7 << (3 * m.number) : 0)
#define UNSENT (NOW.verdict & ~IN_PIPE(FIRST) & ~IN_PIPE(SECOND))

/* After all faults only beats that find something: the others change nothing. */
#define BEAT_TELLS \
	(!calm || !NOW.held || !BIT(named, LEASE(s)) || ORPHANS(LEASE(s), NOW.hand, NUMBERS))
#define WANTS_JOB \
	(!NOW.draining && NOW.worker == FREE && NOW.number < FETCHES && (!calm || queue))
#define WANTS_LEASE (!NOW.draining && NOW.adopt_number < ADOPTS && (!calm || ANY_LEFT))
#define HAS_LEFT_OLD (NOW.id > 0 && BIT(named, LEASE(s) - 1))

inline write(m, what, a_number, a_detail, a_table)
{
	m.kind = what;
	m.lease = LEASE(s);
	m.number = a_number;
	m.detail = a_detail;
	m.table = a_table
}

inline send(what, a_number, a_detail, a_table)
{
	if
	:: FIRST.kind == NONE -> write(FIRST, what, a_number, a_detail, a_table)
	:: else -> write(SECOND, what, a_number, a_detail, a_table)
	fi;
	printf("%d asks   %e %d %d in hand %o\n", s, what, a_number, a_detail, a_table)
}

inline copy(to, from)
{
	to.kind = from.kind;
	to.lease = from.lease;
	to.number = from.number;
	to.detail = from.detail;
	to.table = from.table
}

inline wipe(m)
{
	m.kind = NONE;
	m.lease = 0;
	m.number = 0;
	m.detail = 0;
	m.table = 0
}

inline let_worker_go()
{
	NOW.worker = FREE;
	NOW.token = 0;
	NOW.job = 0
}

/* Whatever was in hand is not ours any more, or we are not there any more. */
inline forget_all()
{
	let_worker_go();
	NOW.registered = false;
	NOW.held = false;
	NOW.reenter_due = false;
	NOW.number = 0;
	NOW.answered = 0;
	NOW.adopt_number = 0;
	NOW.adopt_answered = 0;
	NOW.hand = 0;
	NOW.verdict = 0
}

inline end_job(what)
{
	printf("%d ended  job %d, verdict %d\n", s, JOB(NOW.job), what);
	SET(NOW.hand, NOW.token, NOW.job);
	judge(NOW.token, what);
	let_worker_go()
}

inline judge(which, what)
{
	SET(NOW.verdict, which, what)
}

/* An entry that is in hand without a worker: back to its queue, unless it may have been started. */
inline give_back(which, an_entry)
{
	SET(NOW.hand, which, an_entry);
	if
#ifndef BAD_RECOVER_STARTED
	:: IS_AMO(JOB(an_entry)) && (an_entry & STARTED) -> judge(which, FAILED)
#endif
	:: else -> judge(which, HEAD)
	fi
}

inline give_back_all(entries)
{
	for (i : 0 .. TOKENS - 1) {
		e = AT(entries, i);
		if
		:: e -> give_back(i, e)
		:: else
		fi
	}
}

inline begin_job()
{
	printf("%d runs   job %d, token %d\n", s, JOB(NOW.job), NOW.token);
	NOW.worker = RUNNING;
	if
	:: IS_AMO(JOB(NOW.job)) ->
		NOW.job = NOW.job | STARTED;
		SET(NOW.hand, NOW.token, NOW.job);
		starts++
	:: else
	fi
}

/* -- answers ---------------------------------------------------------------------------------- */

inline on_taken()
{
#ifdef BAD_TAKEN_KEEPS
	NOW.registered = false;
	NOW.held = false;
	NOW.reenter_due = true;
#else
	forget_all();
#endif
	if
	:: NOW.id + 1 < IDS -> NOW.id++
	:: else -> stop_here() /* the bound of the model */
	fi
}

inline stop_here()
{
	forget_all();
	NOW.up = false;
	NOW.draining = false;
	wipe(FIRST);
	wipe(SECOND)
}

inline on_beat()
{
	if
	:: says == TAKEN -> reply = 0; on_taken()
	:: says == FORGOTTEN ->
		reply = 0;
		NOW.registered = false;
		NOW.held = false;
		NOW.reenter_due = true
	:: says == OK ->
		reply = (NOW.registered -> FIRST.table : 0);
		NOW.registered = true;
		NOW.held = true
	fi
}

/* The first thing that is said after Redis knows us again. */
inline reenter()
{
	if
	:: NOW.held && NOW.reenter_due ->
		NOW.reenter_due = false;
		send(REENTER, 0, NUMBERS, NOW.hand)
	:: else
	fi
}

inline on_fetched()
{
	if
	:: says == UNKNOWN
	:: says == OLD -> NOW.answered = NOW.number
	:: says == OK ->
		NOW.answered = NOW.number;
		if
		:: FIRST.table && NOW.draining -> give_back(NOW.number - 1, FIRST.table)
		:: FIRST.table && !NOW.draining ->
			assert(NOW.worker == FREE);
			NOW.token = NOW.number - 1;
			NOW.job = FIRST.table;
			SET(NOW.hand, NOW.token, NOW.job);
			if
			:: IS_AMO(JOB(NOW.job)) -> NOW.worker = STARTING
			:: else -> begin_job()
			fi
		:: else
		fi
	fi
}

inline on_started()
{
	if
	:: NOW.worker == STARTING && NOW.token == FIRST.number && FIRST.lease == LEASE(s) ->
		if
		:: says == OK -> begin_job()
		:: says == STALE ->
			SET(NOW.hand, NOW.token, 0);
			let_worker_go()
		:: says == UNKNOWN
		fi
	:: else
	fi
}

inline on_finished()
{
	if
	:: says != UNKNOWN && FIRST.lease == LEASE(s) ->
		SET(NOW.hand, FIRST.number, 0);
		SET(NOW.verdict, FIRST.number, 0)
	:: else
	fi
}

inline on_adopted()
{
	reply = 0;
	if
	:: says == UNKNOWN
	:: else ->
		NOW.adopt_answered = NOW.adopt_number;
		reply = FIRST.table << (3 * FIRST_ADOPTED(NOW.adopt_number))
	fi
}

inline on_left()
{
	if
	:: says == OK -> stop_here()
	:: else
	fi
}

inline receive()
{
	reply = 0;
	printf("%d hears  %e: %e, %o\n", s, FIRST.kind, says, FIRST.table);
	if
	:: FIRST.kind == BEAT -> on_beat()
	:: FIRST.kind == FETCH -> on_fetched()
	:: FIRST.kind == START -> on_started()
	:: FIRST.kind == FINISH -> on_finished()
	:: FIRST.kind == ADOPT -> on_adopted()
	:: FIRST.kind == REENTER
	:: FIRST.kind == LEAVE -> on_left()
	fi;
	give_back_all(reply);
	copy(FIRST, SECOND);
	wipe(SECOND);
	reenter()
}

/* -- what it does ------------------------------------------------------------------------------ */

inline send_verdict()
{
	k = 0;
	do
	:: !AT(UNSENT, k) -> k++
	:: else -> break
	od;
	send(FINISH, k, AT(NOW.verdict, k), JOB(AT(NOW.hand, k)))
}

inline drain()
{
	NOW.draining = true;
	if
	:: NOW.worker == STARTING -> end_job(HEAD)
	:: else
	fi
}
