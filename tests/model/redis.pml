/*
 * redis: the scripts, each one atomic step. `m` is a request; the word of its answer stands in
 * `says` afterwards, its entries in m.table.
 * BAD_... leave something out, and must be found out.
 */
#define NOBODY 255
/* All three bits of every place where a table has something; of every token answered so far. */
#define LOWS 153391689
#define PRESENT(table) ((((table) | (table) >> 1 | (table) >> 2) & LOWS) * 7)
#define ANSWERED(numbers) \
	(((1 << (3 * ((numbers) & 15))) - 1) | \
		(((1 << (3 * WIDTH * ((numbers) >> 4))) - 1) << (3 * FETCHES)))
#if defined BAD_BEAT_BLIND
#define ORPHANS(l, in_hand, numbers) (entry[l] & ~PRESENT(in_hand))
#elif defined BAD_BEAT_DEAF
#define ORPHANS(l, in_hand, numbers) 0
#else
#define ORPHANS(l, in_hand, numbers) (entry[l] & ANSWERED(numbers) & ~PRESENT(in_hand))
#endif

/* After every script: where the jobs are now. */
inline count_places()
{
	unnamed = false;
	for (i : 0 .. JOBS - 1) {
		places[i] = AT(queue, i) + AT(done, i);
	}
	for (i : 0 .. LEASES - 1) {
		unnamed = unnamed || (entry[i] != 0 && !BIT(named, i));
		for (k : 0 .. TOKENS - 1) {
			if
			:: AT(entry[i], k) -> places[JOB(AT(entry[i], k))]++
			:: else
			fi
		}
	}
}

inline script_beat(m)
{
	if
	:: BIT(taken, m.lease) -> says = TAKEN
	:: !BIT(taken, m.lease) && !m.number && !BIT(named, m.lease) -> says = FORGOTTEN
	:: else ->
		ADD(named, m.lease);
		says = OK;
		m.table = ORPHANS(m.lease, m.table, m.detail)
	fi
}

#ifdef BAD_FETCH_UNCHECKED
#define MAY_FETCH(l) true
#else
#define MAY_FETCH(l) BIT(named, l)
#endif
#ifdef BAD_FETCH_UNNUMBERED
#define WAS_SERVED(m) false
#else
#define WAS_SERVED(m) (fetch_mark[m.lease] == m.number)
#endif
inline script_fetch(m)
{
	if
	:: !MAY_FETCH(m.lease) -> says = UNKNOWN
	:: MAY_FETCH(m.lease) && fetch_mark[m.lease] > m.number -> says = OLD
	:: else ->
		says = OK;
		if
		:: WAS_SERVED(m) -> m.table = AT(entry[m.lease], m.number - 1)
		:: !WAS_SERVED(m) && pick != NOBODY ->
			fetch_mark[m.lease] = m.number;
			m.table = pick + 1;
			SET(entry[m.lease], m.number - 1, pick + 1);
			SET(queue, pick, AT(queue, pick) - 1)
		:: else -> m.table = 0 /* an idle fetch writes nothing */
		fi
	fi
}

inline script_start(m)
{
	if
	:: !BIT(named, m.lease) -> says = UNKNOWN
	:: BIT(named, m.lease) && !AT(entry[m.lease], m.number) -> says = STALE
	:: else ->
		says = OK;
#ifndef BAD_START_UNMARKED
		SET(entry[m.lease], m.number, AT(entry[m.lease], m.number) | STARTED)
#endif
	fi
}

#ifdef BAD_FINISH_UNCHECKED
#define IS_CURRENT(ent) true
#else
#define IS_CURRENT(ent) (ent)
#endif
inline script_finish(m)
{
	e = AT(entry[m.lease], m.number);
	before = queue + (done << 8);
	mixed = mixed || (BIT(named, m.lease) && e && JOB(e) != m.table);
	if
	:: !BIT(named, m.lease) -> says = UNKNOWN
	:: BIT(named, m.lease) && IS_CURRENT(e) ->
		says = OK;
		if
		:: m.detail == HEAD -> SET(queue, m.table, AT(queue, m.table) + 1)
		:: else -> SET(done, m.table, AT(done, m.table) + 1)
		fi;
		SET(entry[m.lease], m.number, 0)
	:: else -> says = STALE
	fi;
	stale_changed = stale_changed || (e == 0 && before != queue + (done << 8));
	m.table = 0
}

/* From here on its owner is told TAKEN. */
inline mark_taken(l)
{
	ADD(taken, l);
	DROP(named, l)
}

inline script_adopt(m)
{
	m.table = 0;
	if
	:: !BIT(named, m.lease) -> says = UNKNOWN
	:: BIT(named, m.lease) && adopt_mark[m.lease] > m.number -> says = OLD
	:: else ->
		says = OK;
		if
		:: adopt_mark[m.lease] != m.number && pick != NOBODY && BIT(named, pick) ->
			if
			:: IS_DEAD(pick) -> skip
			:: else -> stalls--
			fi;
			adopt_mark[m.lease] = m.number;
#if defined BAD_ADOPT_UNMARKED
			DROP(named, pick);
#elif defined BAD_ADOPT_MARKS_LATER
			ADD(moved, pick);
#else
			mark_taken(pick);
#endif
			k = FIRST_ADOPTED(m.number);
			for (i : 0 .. TOKENS - 1) {
				if
				:: AT(entry[pick], i) ->
					assert(k < FIRST_ADOPTED(m.number) + WIDTH);
					SET(entry[m.lease], k, AT(entry[pick], i));
					k++
				:: else
				fi
			}
			entry[pick] = 0;
			fetch_mark[pick] = 0;
			adopt_mark[pick] = 0
		:: else
		fi;
		if
		:: adopt_mark[m.lease] == m.number ->
			m.table = (entry[m.lease] >> (3 * FIRST_ADOPTED(m.number))) & MASK_ADOPTED
		:: else
		fi
	fi
}

/* A mark never goes back: a fetch whose answer was lost may have been served since. */
inline raise(mark, to_number)
{
#ifdef BAD_REENTER_LOWERS
	mark = to_number;
#else
	mark = (mark < (to_number) -> (to_number) : mark);
#endif
}

/* The very payload is taken out of its queue: Redis may have an older state. */
inline script_reenter(m)
{
	if
	:: !BIT(named, m.lease) -> says = UNKNOWN
	:: else ->
		says = OK;
		raise(fetch_mark[m.lease], m.detail & 15);
		raise(adopt_mark[m.lease], m.detail >> 4);
		for (i : 0 .. TOKENS - 1) {
			e = AT(m.table, i);
			if
			:: e ->
#ifdef BAD_REENTER_UNMARKED
				SET(entry[m.lease], i, e & 3);
#else
				SET(entry[m.lease], i, e);
#endif
				restored = restored || e == (1 | STARTED) || (e == 1 && !starts);
				if
				:: AT(queue, JOB(e)) -> SET(queue, JOB(e), AT(queue, JOB(e)) - 1)
				:: else
				fi
			:: else
			fi
		}
	fi;
	m.table = 0
}

/* Redis had lost what it knew of job 0, and has it in one place again, as its holder knows it. */
inline see_start_restored()
{
	if
	:: restored && places[0] == 1 -> lost_start = false
	:: else
	fi;
	restored = false
}

inline script_leave(m)
{
	if
	:: entry[m.lease] -> says = STALE
	:: else ->
		says = OK;
		DROP(named, m.lease);
		fetch_mark[m.lease] = 0;
		adopt_mark[m.lease] = 0
	fi
}

/* Any job of the queue: a superset of its order. Of equal jobs the first one taken is called 0. */
inline pick_job()
{
	pick = NOBODY;
	if
	:: AT(queue, 0) -> pick = 0
	:: AT(queue, 1) && (begun || AMO) -> pick = 1
	:: !queue
	fi;
	begun = true
}

/* Whose time is over: that of the dead at any moment from now on, that of the living by a stall. */
#define MAY_EXPIRE(l, me) ((l) != (me) && BIT(named, l) && (IS_DEAD(l) || MAY_STALL(l)))
#define IS_LEFT(l) (BIT(named, l) && IS_DEAD(l))
#if LEASES > 4
#define ANY_LEFT \
	(IS_LEFT(0) || IS_LEFT(1) || IS_LEFT(2) || IS_LEFT(3) || IS_LEFT(4) || IS_LEFT(5))
#elif LEASES > 2
#define ANY_LEFT (IS_LEFT(0) || IS_LEFT(1) || IS_LEFT(2) || IS_LEFT(3))
#else
#define ANY_LEFT (IS_LEFT(0) || IS_LEFT(1))
#endif

inline pick_lease(m)
{
	pick = NOBODY;
	if
	:: m.detail -> pick = m.detail - 1
	:: !m.detail && MAY_EXPIRE(0, m.lease) -> pick = 0
	:: !m.detail && MAY_EXPIRE(1, m.lease) -> pick = 1
#if LEASES > 2
	:: !m.detail && MAY_EXPIRE(2, m.lease) -> pick = 2
	:: !m.detail && MAY_EXPIRE(3, m.lease) -> pick = 3
#endif
#if LEASES > 4
	:: !m.detail && MAY_EXPIRE(4, m.lease) -> pick = 4
	:: !m.detail && MAY_EXPIRE(5, m.lease) -> pick = 5
#endif
	:: !m.detail && (!calm || !ANY_LEFT) /* nobody's time is over yet */
	fi
}

inline execute(m)
{
	if
	:: m.kind == FETCH -> pick_job()
	:: m.kind == ADOPT -> pick_lease(m)
	:: else
	fi;
	d_step {
		if
		:: m.kind == BEAT -> script_beat(m)
		:: m.kind == FETCH -> script_fetch(m)
		:: m.kind == START -> script_start(m)
		:: m.kind == FINISH -> script_finish(m)
		:: m.kind == ADOPT -> script_adopt(m)
		:: m.kind == REENTER -> script_reenter(m)
		:: m.kind == LEAVE -> script_leave(m)
		fi;
		count_places();
		see_start_restored();
		printf("  serves %e of lease %d: %e; queue %o, done %o, leases %o %o ..\n", m.kind,
			m.lease, says, queue, done, entry[0], entry[IDS])
	}
}
