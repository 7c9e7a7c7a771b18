/*
 * nursery/undertaker: see undertaker.h. In a nursery whose droverd is gone.
 *
 * Death signals reach droverd's own children alone. What those started lives on, in any session
 * and any group, and another supervisor is about to start the same jobs again. The environment a
 * program was started with can be read from outside and is inherited without anybody's help, so
 * it is the mark. droverd starts the nursery itself with it: thus children that are C functions,
 * and what they fork, have it too. A job that changes all of environment, session and group is not
 * found.
 */
#include "nursery/undertaker.h"

#include "base/clock.h"
#include "base/marked.h"
#include "base/must.h"
#include "base/process.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { PATIENCE_MS = 30000, NAP_MS = 5, NAP_LONGEST_MS = 200, QUIET_LOOKS = 2 };

/*
 * Another nursery of the same lease, at the same work. Children take another name before they
 * begin; one that has not yet finds its parent gone and ends by itself.
 */
static bool is_nursery(struct text *scratch, pid_t pid)
{
	return process_read(scratch, pid, "comm") && strcmp(scratch->data, "drover-nursery\n") == 0;
}

static void nap(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

/* A killed process may take its time, and one that is just being made may be missed by one look. */
int undertaker_end(struct span marks, int64_t patience_ms, struct err *err)
{
	int64_t deadline_ms = clock_mono_ms() + patience_ms;
	struct marked_look look = {0};
	int nap_ms = NAP_MS, quiet = 0, done = 1;

	while (done > 0 && quiet < QUIET_LOOKS && clock_mono_ms() <= deadline_ms) {
		if (quiet + look.found > 0)
			nap(nap_ms);
		nap_ms = nap_ms * 2 < NAP_LONGEST_MS ? nap_ms * 2 : NAP_LONGEST_MS;
		done = marked_look(&look, marks, is_nursery, INT_MAX, err);
		quiet = look.found ? 0 : quiet + 1;
	}
	marked_look_fini(&look);
	if (done > 0 && look.found > 0)
		done = err_set(err, "%d processes of a lost supervisor would not end", look.found);
	return done > 0 ? 0 : -1;
}

int undertaker_run(const char *lease, struct err *err)
{
	char *mark = must_printf("DROVER_LEASE=%s", lease);
	int done;

	prctl(PR_SET_NAME, "drover-nursery", 0L, 0L, 0L);
	done = undertaker_end((struct span){mark, strlen(mark) + 1}, PATIENCE_MS, err);
	free(mark);
	return done;
}
