/* remains: see remains.h. droverd. */
#include "supervisor/state/remains.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/state/scoreboard.h"

#include <stdlib.h>
#include <string.h>

struct remains {
	struct verbs_checkpoint *jobs;
	struct text *texts; /* token and position of each */
	size_t n, cap;
	bool under_way, told, abandoned;
};

static void grow(struct remains *r)
{
	if (r->n < r->cap)
		return;
	r->cap = r->cap ? 2 * r->cap : 16;
	r->jobs = must_realloc(r->jobs, r->cap * sizeof *r->jobs);
	r->texts = must_realloc(r->texts, 2 * r->cap * sizeof *r->texts);
}

/* Of an item in hand only the tries before this one: it was cut off by no fault of its own. */
static void note(void *ctx, const struct scoreboard_slot *slot, const struct scoreboard_mark *mark,
	const struct scoreboard_begun *begun)
{
	struct remains *r = ctx;
	int64_t number = mark ? mark->number : 0;
	bool tried = begun && begun->number > number && begun->tries > 1;
	struct text *token, *position;

	if (slot->token[0] == '\0' || slot->run[0] == '\0' || mark == NULL)
		return;
	grow(r);
	token = &r->texts[2 * r->n];
	position = token + 1;
	*token = *position = (struct text){0};
	text_add_str(token, slot->token);
	verbs_add_position(position, &(struct verbs_position){.run = span_of(slot->run),
					     .part = slot->part,
					     .known = true,
					     .number = mark->number,
					     .done = mark->done,
					     .errors = mark->errors,
					     .end = INT64_MAX,
					     .item = tried ? begun->number : 0,
					     .tries = tried ? begun->tries - 1 : 0,
					     .cursor = {mark->cursor, mark->cursor_len}});
	r->jobs[r->n++] = (struct verbs_checkpoint){.mark = true};
}

struct remains *remains_read(int folder_fd)
{
	struct remains *r = must_alloc(sizeof *r);
	struct err err;

	if (scoreboard_read(folder_fd, note, r, &err) < 0)
		log_event(LOG_WARN, "takeover.no_marks", LOG_STR("error", err.text),
			LOG_STR("consequence", "iterating jobs go on from their last checkpoint"));
	for (size_t i = 0; i < r->n; i++) {
		const struct text *token = &r->texts[2 * i];

		r->jobs[i].token = (struct span){token[0].data, token[0].len};
		r->jobs[i].position = (struct span){token[1].data, token[1].len};
	}
	return r;
}

static void fini(struct remains *r)
{
	for (size_t i = 0; i < 2 * r->n; i++)
		text_fini(&r->texts[i]);
	free(r->texts);
	free(r->jobs);
	free(r);
}

/* Its answer may still come. */
void remains_free(struct remains *r)
{
	if (r == NULL)
		return;
	if (r->under_way)
		r->abandoned = true;
	else
		fini(r);
}

bool remains_are_told(const struct remains *r)
{
	return r->n == 0 || r->told;
}

/* UNKNOWN: somebody has adopted that lease already, and goes by what Redis knows. */
static void on_answer(void *arg, const struct redis_reply *reply)
{
	struct remains *r = arg;

	r->under_way = false;
	if (reply && reply->type == REDIS_ARRAY)
		r->told = true;
	if (r->abandoned)
		fini(r);
}

void remains_tell(struct remains *r, struct verbs *verbs, int64_t runs_kept_ms)
{
	if (!r->under_way && !remains_are_told(r))
		r->under_way = verbs_checkpoint(verbs, r->jobs, r->n, runs_kept_ms, on_answer, r);
}
