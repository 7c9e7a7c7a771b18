/*
 * processes: what each of them may do next, one step a line of choice. Whatever is not said to be
 * in order may happen in any order.
 */
#define MAY_GO_BACK ((returns || NOW.draining) && !IS_AMO(JOB(NOW.job)))

proctype droverd(byte s)
{
end:
	do
	:: atomic { /* its oldest request arrives, and the answer */
		FIRST.kind ->
		execute(FIRST);
		d_step {
			receive()
		}
	}
	:: atomic { /* its connection breaks: after some requests arrived, whose answers are lost */
		FIRST.kind && MAY_CUT(s) ->
		cuts--;
		do
		:: FIRST.kind -> lose_answer()
		:: break
		od;
		cut()
	}
	:: atomic {
		NOW.up && MAY_KILL(s) ->
		kills--;
		do
		:: FIRST.kind -> lose_answer()
		:: break
		od;
		kill_supervisor()
	}
	:: d_step {
		NOW.up && ROOM && !ASKS(BEAT) && BEAT_TELLS ->
		send(BEAT, !NOW.registered, NUMBERS, NOW.hand)
	}
	:: d_step {
		NOW.up && NOW.held && ROOM && !ASKS(FETCH) &&
			(NOW.number != NOW.answered || WANTS_JOB) ->
		NOW.number = (NOW.number == NOW.answered -> NOW.number + 1 : NOW.number);
		send(FETCH, NOW.number, 0, 0)
	}
	:: d_step {
		NOW.worker == STARTING && ROOM && !ASKS_TOKEN(START, NOW.token) ->
		send(START, NOW.token, 0, 0)
	}
	:: d_step {
		NOW.worker == RUNNING ->
		end_job(DONE)
	}
	:: d_step {
		NOW.worker == RUNNING && MAY_GO_BACK ->
		returns = (NOW.draining -> returns : returns - 1);
		end_job(HEAD)
	}
	:: d_step {
		NOW.held && ROOM && UNSENT ->
		send_verdict()
	}
	:: atomic {
		NOW.up && NOW.held && ROOM && !ASKS(ADOPT) &&
			(NOW.adopt_number != NOW.adopt_answered || WANTS_LEASE) ->
		NOW.adopt_number = (NOW.adopt_number == NOW.adopt_answered -> NOW.adopt_number + 1
										: NOW.adopt_number);
		if
		:: send(ADOPT, NOW.adopt_number, 0, 0)
		:: HAS_LEFT_OLD -> send(ADOPT, NOW.adopt_number, LEASE(s), 0) /* by its name */
		fi
	}
	:: d_step {
		NOW.up && !NOW.draining && stops ->
		stops--;
		drain()
	}
	:: d_step {
		NOW.up && NOW.draining && NOW.held && ROOM && !ASKS(LEAVE) && !NOW.hand &&
			NOW.number == NOW.answered ->
		send(LEAVE, 0, 0, 0)
	}
	od
}

proctype world()
{
	byte s;
end:
	do
	:: atomic { /* one of a broken connection does */
		if
		:: late[0].kind
#if LATE > 1
		:: late[1].kind -> s = 1
#endif
		fi;
		printf("  late:\n");
		execute(late[s]);
		d_step {
			wipe(late[s]);
			s = 0
		}
	}
	:: atomic { /* started again, as another */
		if
		:: !sup[0].up && sup[0].id + 1 < IDS -> s = 0
		:: !sup[1].up && sup[1].id + 1 < IDS -> s = 1
		fi;
		d_step {
			NOW.id++;
			NOW.up = true;
			printf("%d begins anew\n", s);
			s = 0
		}
	}
#ifdef BAD_ADOPT_MARKS_LATER
	:: d_step {
		moved ->
		k = 0;
		do
		:: !BIT(moved, k) -> k++
		:: else -> break
		od;
		DROP(moved, k);
		mark_taken(k);
		entry[k] = 0;
		count_places();
		s = 0
	}
#endif
#if LOSSES
	:: d_step {
		losses && !kept ->
		keep_state()
	}
	:: d_step {
		kept ->
		lose_writes()
	}
#endif
	:: d_step {
		!calm ->
		become_calm()
	}
	:: atomic {
		timeout && !over ->
		d_step {
			look_around()
		}
	}
	od
}
