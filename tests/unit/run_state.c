/* queue/run_state: every pair of states, against the list in words. */
#include <stdio.h>
#include <string.h>

#include "queue/run_state.h"
#include "support/suite.h"

/* All there is; a pair that is not here is forbidden. */
static const char *const LEGAL[] = {
	"queued>running",
	"running>done running>failed running>retrying running>interrupted running>throttled",
	"running>pausing running>cancelling",
	"retrying>queued interrupted>queued throttled>queued delayed>queued",
	"pausing>paused paused>queued",
	"failed>queued done>queued",
	/* any but done and cancelled */
	"queued>cancelling delayed>cancelling throttled>cancelling interrupted>cancelling",
	"retrying>cancelling pausing>cancelling paused>cancelling failed>cancelling",
	"cancelling>cancelled",
	/* a wish to pause meets one that waits */
	"queued>pausing delayed>pausing retrying>pausing interrupted>pausing throttled>pausing",
	/* taken back in time */
	"pausing>running",
	/* over max_running */
	"queued>parked parked>queued parked>pausing parked>cancelling",
};

static bool is_legal(const char *from, const char *to)
{
	char pair[64];

	snprintf(pair, sizeof pair, "%s>%s", from, to);
	for (size_t i = 0; i < COUNT(LEGAL); i++) {
		const char *at = LEGAL[i];
		size_t len = strlen(pair);

		for (; (at = strstr(at, pair)) != NULL; at += len)
			if ((at == LEGAL[i] || at[-1] == ' ') && (!at[len] || at[len] == ' '))
				return true;
	}
	return false;
}

START_TEST(test_every_pair)
{
	int legal = 0;

	for (int a = RUN_QUEUED; a < RUN_STATES; a++)
		for (int b = RUN_QUEUED; b < RUN_STATES; b++) {
			const char *from = run_state_name((enum run_state)a);
			const char *to = run_state_name((enum run_state)b);
			bool may = run_state_may((enum run_state)a, (enum run_state)b);

			ck_assert_msg(may == is_legal(from, to), "%s -> %s", from, to);
			legal += may;
		}
	ck_assert_int_eq(legal, 35);
}
END_TEST

START_TEST(test_words)
{
	for (int i = RUN_QUEUED; i < RUN_STATES; i++) {
		const char *name = run_state_name((enum run_state)i);

		ck_assert_int_eq(run_state_read(span_of(name)), i);
	}
	ck_assert_int_eq(run_state_read(SPAN_LIT("lost")), RUN_UNKNOWN);
	ck_assert_int_eq(run_state_read(SPAN_LIT("")), RUN_UNKNOWN);
	for (int i = 0; i < RUN_STATES; i++) {
		ck_assert(!run_state_may(RUN_UNKNOWN, (enum run_state)i));
		ck_assert(!run_state_may((enum run_state)i, RUN_UNKNOWN));
	}
}
END_TEST

START_TEST(test_ends)
{
	int ended = 0;

	for (int i = 0; i < RUN_STATES; i++)
		ended += run_state_ended((enum run_state)i);
	ck_assert_int_eq(ended, 3);
	ck_assert(run_state_ended(RUN_DONE) && run_state_ended(RUN_CANCELLED));
	ck_assert(run_state_ended(RUN_FAILED));
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("run_state", &t);

	tcase_add_test(t, test_every_pair);
	tcase_add_test(t, test_words);
	tcase_add_test(t, test_ends);
	return suite_run(s);
}
