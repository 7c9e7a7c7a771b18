/* sharing: see sharing.h. droverd. */
#include "supervisor/fleet/sharing.h"
#include "base/crash.h"
#include "base/log.h"
#include "supervisor/supervisor.h"

/* What is done in a moment is not worth another process. */
enum { WORTH_SHARING_S = 2 };

void sharing_offer(struct slot *slot, struct span bounds)
{
	struct iteration *it = &slot->iteration;
	int64_t at = 0, index;

	if (slot->each == NULL || job_part(slot->job) <= 0 || it->offered > 0 ||
		slot->state != SLOT_RUNNING ||
		(double)(it->end - it->number) < it->speed * WORTH_SHARING_S)
		return;
	index = iteration_halve(bounds, it->number, it->end, &at);
	if (index < 0)
		return;
	it->offered = at;
	it->offered_part = index + 1;
	text_clear(&it->offered_cursor);
	iteration_add_bound(&it->offered_cursor, bounds, index);
	scoreboard_set_end(slot->place, at);
	CRASH_POINT("share.offered");
}

static bool is_taken(struct slot *slot)
{
	struct scoreboard_begun begun;

	return scoreboard_begun(slot->place, &begun) && begun.end == slot->iteration.offered;
}

static void on_shared(void *arg, const struct redis_reply *r)
{
	struct supervisor *s = arg;

	if (r && r->type == REDIS_ERROR)
		log_event(LOG_ERROR, "share.refused", LOG_SPAN("error", r->text));
	supervisor_look_for_work(s);
}

/*
 * Where no answer comes, or the script never did: Redis has the old end then, and a part that ends before
 * that is no done part, but goes back.
 */
static void share(struct supervisor *s, struct slot *slot)
{
	struct iteration *it = &slot->iteration;
	struct text payload = {0};

	job_add_part(&payload, slot->job, it->offered_part);
	if (verbs_share(&s->verbs,
		    &(struct verbs_share){.token = span_of(slot->job->token),
			    .run = job_run(slot->job),
			    .part = job_part(slot->job),
			    .new_part = it->offered_part,
			    .number = it->offered,
			    .cursor = {it->offered_cursor.data ? it->offered_cursor.data : "",
				    it->offered_cursor.len},
			    .queue = slot->job->entry.queue,
			    .payload = {payload.data, payload.len}},
		    on_shared, s)) {
		log_event(LOG_INFO, "job.shared", LOG_SPAN("jid", slot->job->jid),
			LOG_NUM("behind", it->offered), LOG_NUM("left", it->end - it->offered));
		it->end = it->offered;
		it->offered = 0;
	}
	text_fini(&payload);
}

/* The child was past the place when it heard of it. */
static void take_back(struct slot *slot)
{
	slot->iteration.offered = 0;
	scoreboard_set_end(slot->place, slot->iteration.end);
}

void sharing_look(struct supervisor *s)
{
	FLEET_EACH_SLOT (s, slot) {
		struct iteration *it = &slot->iteration;

		if (slot->job == NULL || it->offered <= 0 || slot->state != SLOT_RUNNING)
			continue;
		if (it->number > it->offered)
			take_back(slot);
		else if (is_taken(slot) && lease_is_held(s->lease) && redis_is_up(s->redis))
			share(s, slot);
	}
}

void sharing_note_end(struct slot *slot)
{
	struct iteration *it = &slot->iteration;
	struct scoreboard_begun begun;

	/* Also where the offer was taken back since: the child may have ended before it heard of that. */
	if (scoreboard_begun(slot->place, &begun) && begun.end < it->end)
		it->end = begun.end;
	it->offered = 0;
}
