/*
 * parts: how a part of a run gives its later half away while it is at work, every state of it. What leases and
 * tokens promise is lease.pml's; here a token is a number that each taking of a part makes anew. The steps are
 * those of share.lua, finish.lua, fetch and adopt, of supervisor/fleet/sharing.c and nursery/each/marks.c.
 *
 * Bounds: CUTS (a message is lost, arrives late, or its answer is lost), KILLS (of a supervisor, with its child),
 * DEATHS (of a child alone), OFFERS (that a supervisor makes in all).
 */
#ifndef CUTS
#define CUTS 0
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef OFFERS
#define OFFERS 2
#endif

#define ITEMS 4
#define PARTS 2		/* that there can be: part p begins at a bound, and is numbered by it */
#define BOUND(p) (2 * (p)) /* part 0 at 0, part 1 at 2 */
#ifdef BAD_END_OF_OFFERS
#define NOTES(q) (q != 0)
#else
#define NOTES(q) true
#endif
#ifdef BAD_SHARE_AT_ONCE
#define GOES_BY(q) true
#else
#define GOES_BY(q) (end == BOUND(q))
#endif

mtype = { NONE, QUEUED, TAKEN, DONE, IDLE, RUNNING, ENDED };

/* -- Redis -- */
mtype state[PARTS] = NONE;
byte first[PARTS], last[PARTS], number[PARTS];
byte token[PARTS]; /* of whoever has it: each taking makes a new one, so does each going back */
byte left = 1, thens = 0;

bool performed[ITEMS + 1]; /* item 1.. */
byte cuts = CUTS, kills = KILLS, deaths = DEATHS, offers = OFFERS;

/* One message that is on its way for long: a share or a finish. */
bool late = false, late_share;
byte late_part, late_token, late_at, late_number;

/* Each item belongs to one part, whatever else. */
inline look()
{
	d_step {
		k = 1;
		do
		:: k <= ITEMS ->
			n = 0;
			p2 = 0;
			do
			:: p2 < PARTS ->
				if
				:: state[p2] != NONE && first[p2] < k && k <= last[p2] -> n++
				:: else
				fi;
				p2++
			:: else -> break
			od;
			assert(n == 1);
			k++
		:: else -> break
		od;
		k = 0; n = 0; p2 = 0;
		assert(thens <= 1)
	}
}

/* share.lua: part p, under token t, gives away what is behind BOUND(q) as part q. */
inline share(p, t, q)
{
	d_step {
		if
#ifndef BAD_SHARE_UNCHECKED
		:: token[p] != t || state[p] != TAKEN -> skip /* stale */
#endif
		:: else ->
			if
			:: state[q] != NONE || last[p] <= BOUND(q) -> skip /* known */
			:: else ->
				state[q] = QUEUED; first[q] = BOUND(q); number[q] = BOUND(q);
				last[q] = last[p]; last[p] = BOUND(q);
				left++
			fi
		fi
	}
	look()
}

/* finish.lua: part p ended as done at item `at`, where its supervisor has its end. */
inline finish(p, t, num, at)
{
	d_step {
		if
		:: token[p] != t || state[p] != TAKEN -> skip /* stale */
		:: else ->
			if :: num > number[p] -> number[p] = num :: else fi;
			token[p]++;
			if
#ifndef BAD_DONE_SHORT
			:: last[p] > at -> state[p] = QUEUED
#endif
			:: else ->
				state[p] = DONE;
				k = first[p] + 1;
				do
				:: k <= last[p] -> assert(performed[k]); k++
				:: else -> break
				od;
				k = 0;
				left--;
				if :: left == 0 -> thens++ :: else fi
			fi
		fi
	}
	look()
}

/* Its child is gone: to which end did it go? */
inline note_end()
{
#ifndef BAD_END_UNNOTED
	if
	:: NOTES(offered) && end < at_end -> at_end = end
	:: else
	fi;
#endif
	offered = 0
}

/* Whoever adopts goes by what Redis has; on the same host by the board. */
inline give_back()
{
	d_step {
		if
		:: part < PARTS && state[part] == TAKEN && token[part] == mine ->
			state[part] = QUEUED;
			token[part]++
		:: else
		fi
	}
}

/* A supervisor with one worker, and its child: what the board holds are done, end and order. */
proctype supervisor()
{
	mtype slot = IDLE;
	byte part = PARTS, mine, at_end; /* part in hand, its token, its end as droverd has it */
	byte done, end, order;		 /* the child: passed, the end it goes by; what it is told */
	byte offered = 0;		 /* the part that would begin there */
	byte k, n, p2;

	do
	/* it takes a part */
	:: atomic { slot == IDLE ->
		if
		:: state[0] == QUEUED -> part = 0
		:: state[1] == QUEUED -> part = 1
		fi;
		state[part] = TAKEN; token[part]++; mine = token[part];
		at_end = last[part]; done = number[part]; end = at_end; order = at_end;
		slot = RUNNING }

	/* the child: between two items it takes the end it is told, but none behind where it is */
	:: atomic { slot == RUNNING && end != (order > done -> order : done) ->
		end = (order > done -> order : done) }
	:: atomic { slot == RUNNING && done < end ->
		done++;
		assert(KILLS + DEATHS > 0 || !performed[done]);
		performed[done] = true }
	:: atomic { slot == RUNNING && done >= end ->
		note_end(); slot = ENDED }

	/* a checkpoint */
	:: atomic { slot == RUNNING && token[part] == mine && number[part] < done ->
		number[part] = done }

	/* another worker is free: a smaller end is offered */
	:: atomic { slot == RUNNING && offered == 0 && offers > 0 && part == 0 && done < BOUND(1) &&
		    BOUND(1) < at_end ->
		offers--; offered = 1; order = BOUND(1) }
	/* the child was past the place when it heard of it */
	:: atomic { slot == RUNNING && offered != 0 && done > BOUND(offered) ->
		order = at_end; offered = 0 }
	/* it goes by the new end: so much is given away */
	:: atomic { slot == RUNNING && offered != 0 && done <= BOUND(offered) &&
		    GOES_BY(offered) ->
		if
		:: share(part, mine, offered)
		:: cuts > 0 -> cuts--
		:: cuts > 0 && !late ->
			cuts--; late = true; late_share = true;
			late_part = part; late_token = mine; late_at = offered
		fi;
		at_end = BOUND(offered); offered = 0 }

	/* its verdict, said again until the answer is known */
	:: atomic { slot == ENDED ->
		if
		:: finish(part, mine, done, at_end); slot = IDLE; part = PARTS
		:: cuts > 0 -> cuts--; finish(part, mine, done, at_end)
		:: cuts > 0 -> cuts--
		:: cuts > 0 && !late ->
			cuts--; late = true; late_share = false;
			late_part = part; late_token = mine; late_at = at_end; late_number = done
		fi }

	/* its child dies: the next one goes on there */
	:: atomic { slot == RUNNING && deaths > 0 ->
		deaths--; note_end(); end = at_end; order = at_end }

	/* it dies: on the same host its verdict is sent, or its position told; elsewhere Redis's counts */
	:: atomic { slot != IDLE && kills > 0 ->
		kills--;
		if
		:: slot == ENDED -> finish(part, mine, done, at_end)
		:: token[part] == mine && number[part] < done -> number[part] = done
		:: skip
		fi;
		give_back();
		slot = IDLE; part = PARTS; offered = 0 }

	/* what was on its way for long arrives */
	:: atomic { late ->
		if
		:: late_share -> share(late_part, late_token, late_at)
		:: else -> finish(late_part, late_token, late_number, late_at)
		fi;
		late = false }

	/* nothing goes on: all of it was performed, and it ended once */
	:: atomic { timeout ->
		assert(thens == 1 && left == 0);
		k = 1;
		do
		:: k <= ITEMS -> assert(performed[k]); k++
		:: else -> break
		od;
		break }
	od
}

init
{
	atomic {
		state[0] = QUEUED;
		last[0] = ITEMS;
		run supervisor();
		run supervisor()
	}
}
