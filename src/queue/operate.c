/* queue/operate: see operate.h. Runs in drover and in programs with libdrover. */
#include "queue/cancel.h"
#include "queue/keys.h"
#include "queue/operate.h"
#include "queue/scripts.h"

#define CLEAR_AT_ONCE	   1000
#define CLEAR_ANSWER_BYTES (1 << 20)

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

/* 1, or 0 where somebody else has taken it meanwhile. */
static int cancel_one(const struct inspect *in, const struct operate_clear *how,
	struct span payload, struct err *err)
{
	return cancel_waiting(in,
		&(struct cancel){.place = CANCEL_QUEUE,
			.queue = how->queue,
			.bytes = payload,
			.payload = payload,
			.detail = "its queue was cleared",
			.now_ms = how->now_ms,
			.runs_kept_ms = how->runs_kept_ms,
			.ids_kept_ms = how->ids_kept_ms},
		err);
}

/*
 * Every payload that may have a run record or locks holds "drover", unless somebody wrote it with
 * escapes. *looked counts what is not at the head any more, whoever took it.
 */
static int clear_some(const struct inspect *in, const struct operate_clear *how, int64_t most,
	int64_t *looked, int64_t *gone, struct err *err)
{
	struct texts answer = {0};
	struct words w = {0};
	int rc;

	words_add_key(&w, in->prefix, KEY_QUEUE, how->queue);
	words_add_int(&w, most);
	words_add_str(&w, "\"drover\"");
	words_add_int(&w, CLEAR_ANSWER_BYTES);
	rc = ask_script(in->redis, &script_queue_clear, 1, &w, &answer, err);
	if (rc == 0) {
		*looked = ask_to_number(texts_at(&answer, 0), 0) + (int64_t)answer.n - 1;
		*gone += ask_to_number(texts_at(&answer, 0), 0);
	}
	for (size_t i = 1; rc >= 0 && i < answer.n; i++) {
		rc = cancel_one(in, how, texts_at(&answer, i), err);
		*gone += rc == 1;
	}
	texts_fini(&answer);
	return rc;
}

int operate_clear(
	const struct inspect *in, const struct operate_clear *how, int64_t *gone, struct err *err)
{
	int64_t left = 0, some = 1;
	int rc = inspect_queue_size(in, how->queue, &left, err);

	for (*gone = 0; rc >= 0 && left > 0 && some > 0; left -= some) {
		some = 0;
		rc = clear_some(
			in, how, left < CLEAR_AT_ONCE ? left : CLEAR_AT_ONCE, &some, gone, err);
	}
	return rc;
}
