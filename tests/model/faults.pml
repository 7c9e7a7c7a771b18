/*
 * faults: the network, time, and what goes wrong. At any moment it may be over with that (`calm`);
 * what is then still to be done must come to an end, and that end must be a good one.
 */

inline keep_late(m)
{
	if
	:: m.kind && !late[LATE - 1].kind ->
		if
		:: skip /* lost */
#if LATE > 1
		:: !late[0].kind -> copy(late[0], m)
		:: late[0].kind -> copy(late[1], m)
#else
		:: copy(late[0], m)
#endif
		fi
	:: else
	fi;
	wipe(m)
}

/* What was not answered is not known: it never came, or comes yet, or only its answer was lost. */
inline cut()
{
	printf("%d loses  its connection\n", s);
	NOW.held = false;
	NOW.reenter_due = NOW.reenter_due || ASKS(REENTER);
	keep_late(FIRST);
	keep_late(SECOND)
}

/* A request arrives, its answer does not. */
inline lose_answer()
{
	execute(FIRST);
	d_step {
		NOW.reenter_due = NOW.reenter_due || FIRST.kind == REENTER;
		copy(FIRST, SECOND);
		wipe(SECOND)
	}
}

/* The whole tree is gone with it (undertaker.c); what it had sent may still arrive. */
inline kill_supervisor()
{
	printf("%d is     killed\n", s);
	cut();
	forget_all();
	NOW.up = false;
	NOW.draining = false
}

#if LOSSES
int old_entry[LEASES];
byte old_fetch_mark[LEASES], old_adopt_mark[LEASES];
byte old_named, old_taken, old_queue, old_done;
bool kept;

/* What will be there after the loss. */
inline keep_state()
{
	printf("  Redis  keeps this state\n");
	for (i : 0 .. LEASES - 1) {
		old_entry[i] = entry[i];
		old_fetch_mark[i] = fetch_mark[i];
		old_adopt_mark[i] = adopt_mark[i];
	}
	old_named = named;
	old_taken = taken;
	old_queue = queue;
	old_done = done;
	kept = true
}

inline drop_old_state()
{
	for (i : 0 .. LEASES - 1) {
		old_entry[i] = 0;
		old_fetch_mark[i] = 0;
		old_adopt_mark[i] = 0;
	}
	old_named = 0;
	old_taken = 0;
	old_queue = 0;
	old_done = 0;
	kept = false
}

inline restore_state()
{
	for (i : 0 .. LEASES - 1) {
		entry[i] = old_entry[i];
		fetch_mark[i] = old_fetch_mark[i];
		adopt_mark[i] = old_adopt_mark[i];
	}
	named = old_named;
	taken = old_taken;
	queue = old_queue;
	done = old_done
}

#define HAS_IN_HAND(l, t, j) (!IS_DEAD(l) && JOB(AT(sup[OWNER(l)].hand, t)) == (j))

/* Redis has forgotten that job 0 was started, or who has it in hand and may start it. */
inline see_start_lost()
{
	lost_start = starts && AT(queue, 0);
	for (i : 0 .. LEASES - 1) {
		for (k : 0 .. TOKENS - 1) {
			lost_start = lost_start || (starts && AT(entry[i], k) == 1) ||
				(HAS_IN_HAND(i, k, 0) && !AT(entry[i], k));
		}
	}
}

/* A crash or a failover: every connection breaks, and what was on its way is lost with them. */
inline lose_writes()
{
	printf("  Redis  loses writes\n");
	restore_state();
	drop_old_state();
	for (k : 0 .. SUPERVISORS - 1) {
		sup[k].held = false;
		for (i : k * PIPE .. k * PIPE + PIPE - 1) {
			sup[k].reenter_due = sup[k].reenter_due || pipe[i].kind == REENTER;
			wipe(pipe[i]);
		}
	}
	for (i : 0 .. LATE - 1) {
		wipe(late[i]);
	}
	losses = 0;
	see_start_lost();
	count_places();
	lost_writes = true
}
#endif

inline become_calm()
{
	printf("  calm\n");
	kills = 0;
	cuts = 0;
	stalls = 0;
	losses = 0;
	stops = 0;
	returns = 0;
	for (i : 0 .. LATE - 1) {
		wipe(late[i]);
	}
#if LOSSES
	drop_old_state();
#endif
	calm = true
}

#define CAN_ADOPT(s) (sup[s].up && !sup[s].draining && sup[s].adopt_number < ADOPTS)

/* Nothing can happen any more. Only what the model's own bounds forbid to take may be left over. */
inline look_around()
{
	for (i : 0 .. LEASES - 1) {
		unsettled = unsettled || (entry[i] && !IS_DEAD(i)) ||
			(entry[i] && (CAN_ADOPT(0) || CAN_ADOPT(1)));
	}
	for (i : 0 .. SUPERVISORS - 1) {
		unsettled = unsettled || sup[i].hand || sup[i].verdict || (sup[i].up && sup[i].draining);
	}
	over = true
}
