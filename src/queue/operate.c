/* queue/operate: see operate.h. Runs in drover and in programs with libdrover. */
#include "base/clock.h"
#include "queue/envelope.h"
#include "queue/keys.h"
#include "queue/operate.h"
#include "queue/scripts.h"

#define CLEAR_AT_ONCE	  1000
#define CANCELLED_KEPT_MS 604800000 /* runs_kept: 7d */

static int set_paused(const struct inspect *in, struct span queue, const char *verb,
	struct span reason, struct err *err)
{
	struct words w = {0};
	int64_t changed = 0;
	int rc;

	words_add_key(&w, in->prefix, KEY_PAUSED, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_CONTROL, span_of(NULL));
	words_add(&w, queue);
	words_add_str(&w, verb);
	words_add(&w, reason);
	rc = ask_script_number(in->redis, &script_queue_pause, 2, &w, &changed, err);
	return rc < 0 ? rc : changed == 1;
}

int operate_pause(const struct inspect *in, struct span queue, struct span reason, struct err *err)
{
	return set_paused(in, queue, "pause", reason, err);
}

int operate_resume(const struct inspect *in, struct span queue, struct err *err)
{
	return set_paused(in, queue, "resume", SPAN_LIT(""), err);
}

static int cancel_run(
	const struct inspect *in, struct span payload, int64_t now_ms, struct err *err)
{
	char now[CLOCK_TEXT_SIZE];
	struct envelope e = {0};
	struct err unreadable;
	struct words w = {0};
	int64_t changed;
	int rc = 0;

	if (envelope_read(&e, payload, &unreadable) == 0 && e.jid.len) {
		words_add_key(&w, in->prefix, KEY_RUN, (struct span){e.jid.data, e.jid.len});
		words_add_str(&w, clock_rfc3339(now_ms, now));
		words_add_int(&w, CANCELLED_KEPT_MS);
		rc = ask_script_number(in->redis, &script_run_cancel, 1, &w, &changed, err);
	}
	envelope_fini(&e);
	return rc;
}

/* Every payload that may have a run record holds "drover", unless somebody wrote it with escapes. */
static int clear_some(const struct inspect *in, struct span queue, int64_t most, int64_t now_ms,
	int64_t *gone, struct err *err)
{
	struct texts answer = {0};
	struct words w = {0};
	int rc;

	words_add_key(&w, in->prefix, KEY_QUEUE, queue);
	words_add_int(&w, most);
	words_add_str(&w, "\"drover\"");
	rc = ask_script(in->redis, &script_queue_clear, 1, &w, &answer, err);
	if (rc == 0)
		*gone = ask_to_number(texts_at(&answer, 0), 0);
	for (size_t i = 1; rc >= 0 && i < answer.n; i++)
		rc = cancel_run(in, texts_at(&answer, i), now_ms, err);
	texts_fini(&answer);
	return rc;
}

int operate_clear(
	const struct inspect *in, struct span queue, int64_t now_ms, int64_t *gone, struct err *err)
{
	int64_t left = 0, some = 1;
	int rc = inspect_queue_size(in, queue, &left, err);

	for (*gone = 0; rc >= 0 && left > 0 && some > 0; left -= some, *gone += some) {
		some = 0;
		rc = clear_some(
			in, queue, left < CLEAR_AT_ONCE ? left : CLEAR_AT_ONCE, now_ms, &some, err);
	}
	return rc;
}
