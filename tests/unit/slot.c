/* supervisor/slot: the state table, each event in each state, and lives of jobs through it. */
#include <signal.h>
#include <string.h>

#include "support/slot_fake.c"

static struct fake fake;

static void start(void)
{
	fake_start(&fake);
}

static void stop(void)
{
	fake_stop(&fake);
}

/* -- every event in every state ---------------------------------------------------------------------- */

static const struct legal {
	enum slot_state state;
	enum slot_event event;
	enum slot_state next;
	const char *calls;
} LEGAL[] = {
	{SLOT_FREE, SLOT_EV_BAD, SLOT_VERDICT, "failed "},
	{SLOT_FREE, SLOT_EV_CANCELLED, SLOT_VERDICT, "cancelled "},
	{SLOT_FREE, SLOT_EV_ASK, SLOT_STARTING, "start? "},
	{SLOT_FREE, SLOT_EV_PLAIN, SLOT_LAUNCHING, "spawn "},
	{SLOT_FREE, SLOT_EV_GO, SLOT_FREE, ""},
	{SLOT_FREE, SLOT_EV_STALE, SLOT_FREE, ""},
	{SLOT_FREE, SLOT_EV_READY, SLOT_FREE, ""},
	{SLOT_FREE, SLOT_EV_NO_CHILD, SLOT_FREE, ""},
	{SLOT_FREE, SLOT_EV_DONE, SLOT_FREE, ""},
	{SLOT_FREE, SLOT_EV_EXITED, SLOT_FREE, ""},
	{SLOT_FREE, SLOT_EV_END, SLOT_FREE, ""},
	{SLOT_FREE, SLOT_EV_KILL, SLOT_FREE, ""},
	{SLOT_STARTING, SLOT_EV_GO, SLOT_LAUNCHING, "spawn "},
	{SLOT_STARTING, SLOT_EV_STALE, SLOT_FREE, "freed "},
	{SLOT_STARTING, SLOT_EV_CANCELLED, SLOT_VERDICT, "cancelled "},
	{SLOT_STARTING, SLOT_EV_DUPLICATE, SLOT_VERDICT, "done "},
	{SLOT_STARTING, SLOT_EV_BAD, SLOT_VERDICT, "failed "},
	{SLOT_STARTING, SLOT_EV_DIVIDED, SLOT_VERDICT, "divided "},
	{SLOT_STARTING, SLOT_EV_READY, SLOT_STARTING, ""},
	{SLOT_STARTING, SLOT_EV_NO_CHILD, SLOT_STARTING, ""},
	{SLOT_STARTING, SLOT_EV_DONE, SLOT_STARTING, ""},
	{SLOT_STARTING, SLOT_EV_EXITED, SLOT_STARTING, ""},
	{SLOT_STARTING, SLOT_EV_TIMER, SLOT_STARTING, "start? "},
	{SLOT_STARTING, SLOT_EV_END, SLOT_VERDICT, "head "},
	{SLOT_STARTING, SLOT_EV_KILL, SLOT_VERDICT, "head "},
	{SLOT_LAUNCHING, SLOT_EV_READY, SLOT_RUNNING, "limits "},
	{SLOT_LAUNCHING, SLOT_EV_FITS, SLOT_RUNNING, "limits "},
	{SLOT_LAUNCHING, SLOT_EV_NO_CHILD, SLOT_LAUNCHING, ""},
	{SLOT_LAUNCHING, SLOT_EV_GIVE_UP, SLOT_VERDICT, "later "},
	{SLOT_LAUNCHING, SLOT_EV_DONE, SLOT_LAUNCHING, ""},
	{SLOT_LAUNCHING, SLOT_EV_EXITED, SLOT_LAUNCHING, "spawn "},
	{SLOT_LAUNCHING, SLOT_EV_END, SLOT_VERDICT, "head "},
	{SLOT_LAUNCHING, SLOT_EV_KILL, SLOT_VERDICT, "head "},
	{SLOT_LAUNCHING, SLOT_EV_TIMER, SLOT_LAUNCHING, "spawn "},
	{SLOT_RUNNING, SLOT_EV_DONE_NEXT, SLOT_LAUNCHING, "done and-on "},
	{SLOT_RUNNING, SLOT_EV_DONE, SLOT_VERDICT, "done "},
	{SLOT_RUNNING, SLOT_EV_EXITED, SLOT_CLEARING, "clear "},
	{SLOT_RUNNING, SLOT_EV_END, SLOT_ENDING, ""},
	{SLOT_RUNNING, SLOT_EV_KILL, SLOT_KILLED, "kill-tree "},
	{SLOT_RUNNING, SLOT_EV_TIMER, SLOT_ENDING, ""},
	{SLOT_ENDING, SLOT_EV_DONE, SLOT_ENDING, ""},
	{SLOT_ENDING, SLOT_EV_EXITED, SLOT_CLEARING, "clear "},
	{SLOT_ENDING, SLOT_EV_END, SLOT_ENDING, ""},
	{SLOT_ENDING, SLOT_EV_KILL, SLOT_KILLED, "kill-tree "},
	{SLOT_ENDING, SLOT_EV_TIMER, SLOT_KILLED, "kill-tree "},
	{SLOT_KILLED, SLOT_EV_DONE, SLOT_KILLED, ""},
	{SLOT_KILLED, SLOT_EV_EXITED, SLOT_CLEARING, "clear "},
	{SLOT_KILLED, SLOT_EV_END, SLOT_KILLED, ""},
	{SLOT_KILLED, SLOT_EV_KILL, SLOT_KILLED, ""},
	{SLOT_KILLED, SLOT_EV_TIMER, SLOT_KILLED, ""},
	{SLOT_CLEARING, SLOT_EV_AGAIN, SLOT_LAUNCHING, "spawn "},
	{SLOT_CLEARING, SLOT_EV_END, SLOT_CLEARING, ""},
	{SLOT_CLEARING, SLOT_EV_KILL, SLOT_CLEARING, ""},
	{SLOT_CLEARING, SLOT_EV_CLEARED, SLOT_VERDICT, "done "},
	{SLOT_VERDICT, SLOT_EV_GO, SLOT_VERDICT, ""},
	{SLOT_VERDICT, SLOT_EV_STALE, SLOT_VERDICT, ""},
	{SLOT_VERDICT, SLOT_EV_READY, SLOT_VERDICT, ""},
	{SLOT_VERDICT, SLOT_EV_NO_CHILD, SLOT_VERDICT, ""},
	{SLOT_VERDICT, SLOT_EV_DONE, SLOT_VERDICT, ""},
	{SLOT_VERDICT, SLOT_EV_EXITED, SLOT_VERDICT, ""},
	{SLOT_VERDICT, SLOT_EV_END, SLOT_VERDICT, ""},
	{SLOT_VERDICT, SLOT_EV_KILL, SLOT_VERDICT, ""},
	{SLOT_VERDICT, SLOT_EV_TIMER, SLOT_VERDICT, ""},
	{SLOT_VERDICT, SLOT_EV_CONFIRMED, SLOT_FREE, "freed "},
};

/* What must be there for an event to mean something. */
static void set_scene(const struct legal *l)
{
	struct slot *s = fake.slot;

	if (l->state == SLOT_FREE && l->event == SLOT_EV_BAD)
		s->job = fake_job(&fake, "{}");
	if (l->event == SLOT_EV_ASK)
		s->job = fake_job(&fake, "{\"class\":\"Tracked\"}");
	if (l->state == SLOT_FREE && l->event == SLOT_EV_CANCELLED)
		s->job = fake_job(&fake, "{\"class\":\"Plain\"}");
	if (l->event == SLOT_EV_PLAIN)
		s->job = fake_job(&fake, "{\"class\":\"Plain\"}");
	if (l->state == SLOT_LAUNCHING && (l->event == SLOT_EV_READY || l->event == SLOT_EV_FITS))
		fake_child(&fake, NURSERY_COMMANDS);
	if (l->event == SLOT_EV_DONE_NEXT)
		ahead_add(&s->ahead, fake_job(&fake, "{\"class\":\"Plain\"}"), 0);
	if (l->event == SLOT_EV_EXITED)
		child_close(&s->child);
}

START_TEST(test_legal)
{
	const struct legal *l = &LEGAL[_i];

	fake_reach(&fake, l->state);
	set_scene(l);
	slot_handle(fake.slot, l->event);
	ck_assert_str_eq(slot_state_name(fake.slot->state), slot_state_name(l->next));
	ck_assert_str_eq(fake_calls(&fake), l->calls);
	ck_assert_int_eq(fake.slot->job != NULL, fake.slot->state != SLOT_FREE);
}
END_TEST

static bool is_legal(enum slot_state state, enum slot_event event)
{
	for (size_t i = 0; i < COUNT(LEGAL); i++)
		if (LEGAL[i].state == state && LEGAL[i].event == event)
			return true;
	return false;
}

/* Each of these is our own bug, and must not go on as if nothing had happened. */
static struct {
	enum slot_state state;
	enum slot_event event;
} illegal[SLOT_STATES * SLOT_EVENTS];

static int list_illegal(void)
{
	int n = 0;

	for (int state = 0; state < SLOT_STATES; state++)
		for (int event = 0; event < SLOT_EVENTS; event++)
			if (!is_legal((enum slot_state)state, (enum slot_event)event)) {
				illegal[n].state = (enum slot_state)state;
				illegal[n++].event = (enum slot_event)event;
			}
	return n;
}

START_TEST(test_illegal)
{
	fake_reach(&fake, illegal[_i].state);
	slot_handle(fake.slot, illegal[_i].event);
}
END_TEST

START_TEST(test_a_job_for_a_slot_that_has_one)
{
	fake_take(&fake, "Plain");
	fake_take(&fake, "Plain");
}
END_TEST

START_TEST(test_freed_with_a_job)
{
	fake_take(&fake, "Plain");
	slot_free(fake.slot);
}
END_TEST

/* -- lives ------------------------------------------------------------------------------------------- */

static bool timer_runs(void)
{
	return evtimer_pending(&fake.slot->timer, NULL);
}

START_TEST(test_a_plain_life)
{
	fake_take(&fake, "Plain");
	ck_assert(slot_is_busy(fake.slot));
	fake_hello(&fake, NURSERY_COMMANDS);
	ck_assert_int_eq(fake.slot->state, SLOT_RUNNING);
	ck_assert_int_eq(fake.slot->child.state, CHILD_BUSY);
	ck_assert(timer_runs());
	fake.clears_at_once = true;
	fake_exit(&fake, 0, 0);
	ck_assert_int_eq(fake.slot->state, SLOT_VERDICT);
	ck_assert(!slot_is_busy(fake.slot));
	ck_assert(!timer_runs());
	slot_handle(fake.slot, SLOT_EV_CONFIRMED);
	ck_assert_str_eq(fake_calls(&fake), "spawn limits answered clear done freed ");
	ck_assert_int_eq(fake.state_when_freed, SLOT_FREE);
	ck_assert_ptr_null(fake.slot->job);
}
END_TEST

START_TEST(test_no_timeout_no_timer)
{
	fake_take(&fake, "Long");
	fake_hello(&fake, NURSERY_COMMANDS);
	ck_assert(!timer_runs());
}
END_TEST

START_TEST(test_out_of_time)
{
	fake_reach(&fake, SLOT_RUNNING);
	slot_handle(fake.slot, SLOT_EV_TIMER);
	ck_assert_int_eq(fake.slot->ending.reason, END_TIMEOUT);
	ck_assert(fake.slot->ending.term_sent && !fake.slot->ending.kill_sent);
	ck_assert(timer_runs()); /* kill_grace */
	slot_handle(fake.slot, SLOT_EV_TIMER);
	ck_assert(fake.slot->ending.kill_sent);
	fake.clears_at_once = true;
	fake_exit(&fake, 0, SIGKILL);
	ck_assert_str_eq(fake_calls(&fake), "kill-tree clear failed ");
	ck_assert_ptr_nonnull(strstr(fake.text.data, "\"exception\":\"Drover::Timeout\""));
	ck_assert_ptr_nonnull(strstr(fake.text.data, "timeout is 10s; it did not heed SIGTERM"));
}
END_TEST

START_TEST(test_the_first_reason_counts)
{
	fake_reach(&fake, SLOT_RUNNING);
	slot_end(fake.slot, END_MEMORY, false);
	slot_end(fake.slot, END_STOP, true);
	ck_assert_int_eq(fake.slot->ending.reason, END_MEMORY);
	ck_assert_int_eq(fake.slot->state, SLOT_KILLED);
	slot_end(fake.slot, END_LOST, true); /* but for this: nothing is ours any more */
	ck_assert_int_eq(fake.slot->ending.reason, END_LOST);
}
END_TEST

START_TEST(test_an_end_asked_of_nobody_is_forgotten)
{
	slot_end(fake.slot, END_STOP, false);
	fake_take(&fake, "Plain");
	fake_hello(&fake, NURSERY_COMMANDS);
	ck_assert_int_eq(fake.slot->ending.reason, END_NONE);
}
END_TEST

START_TEST(test_given_back_before_it_began)
{
	fake_take(&fake, "Plain");
	slot_end(fake.slot, END_STOP, false);
	ck_assert_str_eq(fake_calls(&fake), "spawn head ");
	ck_assert_str_eq(fake.text.data, "{\"class\":\"Plain\",\"args\":[7.10]}");
	slot_handle(fake.slot, SLOT_EV_CONFIRMED);
	fake_hello(&fake, NURSERY_COMMANDS); /* the child it had asked for is a spare now */
	ck_assert_int_eq(fake.slot->child.state, CHILD_IDLE);
}
END_TEST

START_TEST(test_no_child_is_tried_again_ever_later)
{
	int64_t want = 50;

	fake_take(&fake, "Plain");
	while (want <= 16000) {
		slot_handle(fake.slot, SLOT_EV_NO_CHILD);
		ck_assert_int_eq(fake.slot->spawn_delay_ms, want);
		ck_assert(timer_runs());
		slot_handle(fake.slot, SLOT_EV_TIMER);
		ck_assert(!timer_runs());
		want *= 2;
	}
	slot_handle(fake.slot, SLOT_EV_NO_CHILD); /* for half a minute: not for ever here */
	ck_assert_int_eq(fake.slot->state, SLOT_VERDICT);
	ck_assert_int_eq(fake.kind, VERDICT_LATER);
	ck_assert_int_eq(fake.delay_ms, 30000);
	ck_assert_str_eq(fake.text.data, "{\"class\":\"Plain\",\"args\":[7.10]}");
}
END_TEST

/* -- spare children ---------------------------------------------------------------------------------- */

START_TEST(test_a_spare_is_taken)
{
	fake_hello(&fake, NURSERY_COMMANDS);
	fake_take(&fake, "Plain");
	ck_assert_int_eq(fake.slot->state, SLOT_RUNNING);
	ck_assert_str_eq(fake_calls(&fake), "answered limits ");
}
END_TEST

START_TEST(test_a_spare_of_the_other_nursery_is_let_go)
{
	fake_hello(&fake, NURSERY_COMMANDS);
	fake_take(&fake, "Reused");
	ck_assert_int_eq(fake.slot->state, SLOT_LAUNCHING);
	ck_assert(fake.slot->child.dismissed);
	ck_assert_str_eq(fake_calls(&fake), "answered ");
	fake_exit(&fake, 0, 0);
	ck_assert_str_eq(fake_calls(&fake), "spawn-module ");
}
END_TEST

/* It will read the end of file and exit with 0, which would look like a job well done. */
START_TEST(test_a_spare_that_was_let_go_is_given_no_job)
{
	fake_hello(&fake, NURSERY_COMMANDS);
	slot_dismiss_spare(fake.slot);
	fake_take(&fake, "Plain");
	ck_assert_int_eq(fake.slot->state, SLOT_LAUNCHING);
	fake_exit(&fake, 0, 0);
	ck_assert_int_eq(fake.slot->state, SLOT_LAUNCHING);
	ck_assert_str_eq(fake_calls(&fake), "answered spawn ");
}
END_TEST

/* -- children that are reused ------------------------------------------------------------------------ */

static void perform_reused(const char *calls)
{
	fake_take(&fake, "Reused");
	ck_assert_int_eq(fake.slot->state, SLOT_RUNNING);
	fake_say(&fake, "done 0");
	ck_assert_int_eq(fake.slot->state, SLOT_VERDICT);
	ck_assert_int_eq(fake.slot->child.state, CHILD_IDLE);
	ck_assert_str_eq(fake_calls(&fake), calls);
	slot_handle(fake.slot, SLOT_EV_CONFIRMED);
	fake_calls(&fake);
}

START_TEST(test_three_jobs_and_no_more)
{
	fake_hello(&fake, NURSERY_MODULES);
	perform_reused("answered limits done ");
	perform_reused("limits done ");
	ck_assert(!fake.slot->child.dismissed);
	perform_reused("limits done ");
	ck_assert(fake.slot->child.dismissed);
	fake_take(&fake, "Reused");
	ck_assert_int_eq(fake.slot->state, SLOT_LAUNCHING);
	fake_exit(&fake, 0, 0);
	ck_assert_str_eq(fake_calls(&fake), "spawn-module ");
}
END_TEST

START_TEST(test_a_status_said_is_a_status)
{
	fake_hello(&fake, NURSERY_MODULES);
	fake_take(&fake, "Reused");
	fake_say(&fake, "done 3");
	ck_assert_int_eq(fake.kind, VERDICT_FAILED);
	ck_assert_ptr_nonnull(strstr(fake.text.data, "\"error\":\"exit status 3\""));
}
END_TEST

/* A command cannot end its job by a word; it ends when it exits. */
START_TEST(test_done_is_not_for_commands)
{
	fake_reach(&fake, SLOT_RUNNING);
	fake_say(&fake, "done 0");
	ck_assert_int_eq(fake.slot->state, SLOT_RUNNING);
	fake.clears_at_once = true;
	fake_exit(&fake, 4, 0);
	ck_assert_ptr_nonnull(strstr(fake.text.data, "\"error\":\"exit status 4\""));
}
END_TEST

START_TEST(test_done_after_being_told_to_end)
{
	fake_hello(&fake, NURSERY_MODULES);
	fake_take(&fake, "Reused");
	slot_end(fake.slot, END_STOP, false);
	fake_say(&fake, "done 0");
	ck_assert(fake.slot->child.dismissed);
	fake.clears_at_once = true;
	fake_exit(&fake, 0, SIGTERM);
	ck_assert_int_eq(fake.kind, VERDICT_DONE);
}
END_TEST

/* -- jobs ahead -------------------------------------------------------------------------------------- */

static struct job *reused_job(void)
{
	return fake_job(&fake, "{\"class\":\"Reused\"}");
}

static bool offer(struct job *job)
{
	bool taken = slot_take_ahead(fake.slot, job);

	if (!taken)
		job_free(job);
	return taken;
}

START_TEST(test_what_may_come_ahead)
{
	fake_hello(&fake, NURSERY_MODULES);
	ck_assert(!offer(reused_job())); /* it has performed none of them yet */
	perform_reused("answered limits done ");
	fake_take(&fake, "Reused");
	ck_assert(offer(reused_job()));
	ck_assert(!offer(fake_job(&fake, "{\"class\":\"Plain\"}")));
	ck_assert(!offer(fake_job(&fake, "{\"class\":\"Reused\",\"drover\":{\"track\":true}}")));
	ck_assert(!offer(fake_job(&fake, "{\"class\":\"Nobody\"}")));
	slot_return_ahead(fake.slot);
	slot_return_ahead(fake.slot);
	ck_assert_str_eq(fake_calls(&fake), "limits give-back ");
}
END_TEST

START_TEST(test_it_goes_on_with_the_next)
{
	fake_hello(&fake, NURSERY_MODULES);
	perform_reused("answered limits done ");
	fake_take(&fake, "Reused");
	ck_assert(offer(reused_job()));
	ck_assert(offer(reused_job()));
	fake_say(&fake, "done 0");
	ck_assert_int_eq(fake.slot->state, SLOT_RUNNING);
	ck_assert_str_eq(fake_calls(&fake), "limits done and-on limits ");
	fake_say(&fake, "done 0"); /* the third of this child, and one is left */
	ck_assert_int_eq(fake.slot->state, SLOT_LAUNCHING);
	fake_exit(&fake, 0, 0);
	fake_hello(&fake, NURSERY_MODULES);
	ck_assert_int_eq(fake.slot->state, SLOT_RUNNING);
	ck_assert_str_eq(fake_calls(&fake), "done and-on spawn-module limits answered ");
}
END_TEST

START_TEST(test_the_next_survives_a_crash)
{
	fake_hello(&fake, NURSERY_MODULES);
	perform_reused("answered limits done ");
	fake_take(&fake, "Reused");
	ck_assert(offer(reused_job()));
	fake.clears_at_once = true;
	fake_exit(&fake, 0, SIGSEGV);
	ck_assert_int_eq(fake.kind, VERDICT_FAILED);
	slot_handle(fake.slot, SLOT_EV_CONFIRMED);
	ck_assert_int_eq(fake.slot->state, SLOT_LAUNCHING);
	ck_assert_str_eq(fake_calls(&fake), "limits clear failed spawn-module ");
}
END_TEST

START_TEST(test_too_late_it_goes_back)
{
	fake.too_late = true;
	fake_take(&fake, "Plain");
	ck_assert_int_eq(fake.slot->state, SLOT_VERDICT);
	ck_assert_int_eq(fake.kind, VERDICT_HEAD);
	ck_assert_str_eq(fake_calls(&fake), "head ");
}
END_TEST

START_TEST(test_too_late_when_its_child_stands)
{
	fake_take(&fake, "Plain");
	fake.too_late = true;
	fake_hello(&fake, NURSERY_COMMANDS);
	ck_assert_int_eq(fake.slot->state, SLOT_VERDICT);
	ck_assert_int_eq(fake.slot->child.state, CHILD_IDLE);
	ck_assert_str_eq(fake_calls(&fake), "spawn head answered ");
}
END_TEST

static void add_lives(TCase *t)
{
	tcase_add_test(t, test_too_late_it_goes_back);
	tcase_add_test(t, test_too_late_when_its_child_stands);
	tcase_add_test(t, test_a_plain_life);
	tcase_add_test(t, test_no_timeout_no_timer);
	tcase_add_test(t, test_out_of_time);
	tcase_add_test(t, test_the_first_reason_counts);
	tcase_add_test(t, test_an_end_asked_of_nobody_is_forgotten);
	tcase_add_test(t, test_given_back_before_it_began);
	tcase_add_test(t, test_no_child_is_tried_again_ever_later);
	tcase_add_test(t, test_a_spare_is_taken);
	tcase_add_test(t, test_a_spare_of_the_other_nursery_is_let_go);
	tcase_add_test(t, test_a_spare_that_was_let_go_is_given_no_job);
	tcase_add_test(t, test_three_jobs_and_no_more);
	tcase_add_test(t, test_a_status_said_is_a_status);
	tcase_add_test(t, test_done_is_not_for_commands);
	tcase_add_test(t, test_done_after_being_told_to_end);
	tcase_add_test(t, test_what_may_come_ahead);
	tcase_add_test(t, test_it_goes_on_with_the_next);
	tcase_add_test(t, test_the_next_survives_a_crash);
}

int main(void)
{
	TCase *t;
	Suite *s = suite_with("slot", &t);

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_loop_test(t, test_legal, 0, COUNT(LEGAL));
	tcase_add_loop_test_raise_signal(t, test_illegal, SIGABRT, 0, list_illegal());
	tcase_add_test_raise_signal(t, test_a_job_for_a_slot_that_has_one, SIGABRT);
	tcase_add_test_raise_signal(t, test_freed_with_a_job, SIGABRT);
	add_lives(t);
	return suite_run_apart(s);
}
