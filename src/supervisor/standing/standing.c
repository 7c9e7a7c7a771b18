/*
 * standing: see supervisor.h. droverd. Our standing with Redis: what is done when the connection
 * comes and goes, and what each answer of a beat means for what is in hand.
 */
#include "supervisor/fleet/checkpoints.h"
#include "supervisor/standing/adoption.h"
#include "supervisor/standing/wishes.h"
#include "supervisor/supervisor.h"
#include "base/clock.h"
#include "base/log.h"
#include "supervisor/standing/exclusive.h"
#include "supervisor/state/home.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXIT_REDIS_AWAY = 69 };

/* -- the lease ------------------------------------------------------------------------------------------- */

static void collect(void *ctx, struct lease_holdings *out)
{
	presence_collect(ctx, out);
}

static void on_enlisted(void *arg, const struct redis_reply *r)
{
	struct supervisor *s = arg;

	if (r == NULL || r->type == REDIS_ERROR)
		return;
	s->enlisted = true;
	supervisor_turn(s);
}

static void on_held(void *ctx, bool first)
{
	struct supervisor *s = ctx;

	if (!first)
		return;
	if (!s->enlisted) {
		size_t n;
		const struct span *ids = presence_worker_ids(s, &n);

		resque_view_add(s->view, ids, n, on_enlisted, s);
		s->enlisted = n == 0;
	}
	resque_view_connected(s->view);
	home_lease_held(s);
	starts_ask_again(s);
	checkpoints_ask_again(s->checkpoints);
	adoption_go_on(s->adoption);
	lookout_tick_soon(s);
	supervisor_look_for_work(s);
}

static void on_orphan(void *ctx, struct span token, struct span entry)
{
	adoption_judge(ctx, token, entry, true);
}

/*
 * A verdict or a question under way when the beat was put together explains it (`start` may have
 * answered that it is parked); only a job that runs is news. Redis may have given it to another, so
 * one that must run alone ends; its verdict is stale too.
 */
static void say_missing(const struct slot *slot)
{
	bool ends = slot->job->class && slot->job->class->conf->exclusive;

	log_event(LOG_ERROR, "job.missing", LOG_SPAN("jid", slot->job->jid),
		LOG_STR("token", slot->job->token),
		LOG_STR("error",
			ends ? "Redis has lost this job; its class is exclusive, it is ended"
			     : "Redis has lost this job; it runs on, its verdict will be stale"));
}

static void on_missing(void *ctx, struct span token)
{
	struct supervisor *s = ctx;

	FLEET_EACH_SLOT (s, slot)
		if (slot->job && slot->state != SLOT_VERDICT && slot->state != SLOT_STARTING &&
			span_is(token, slot->job->token)) {
			say_missing(slot);
			exclusive_end(slot);
		}
}

void standing_take_new_id(struct supervisor *s)
{
	char *id = lease_new_id(s->settings->conf->supervisor.name);

	snprintf(s->lease_id, sizeof s->lease_id, "%s", id);
	free(id);
}

/* What was in hand is another's: it is ended without a verdict, then we begin anew. */
static void on_taken(void *ctx)
{
	struct supervisor *s = ctx;

	log_event(LOG_ERROR, "lease.taken", LOG_STR("lease", s->lease_id),
		LOG_STR("error",
			"another supervisor took over what was in hand; its processes are ended"));
	FLEET_EACH_SLOT (s, slot)
		slot_drop_ahead(slot);
	drain_kill_all(s, END_LOST, true);
	for (struct pool *p = s->pools; p; p = p->next)
		pool_reset_numbers(
			p); /* before workers become free: what waits for them is not ours */
	outbox_drop_all(s->outbox);
	adoption_reset(s->adoption);
	standing_take_new_id(s);
	home_renew(s);
	reload_forget(s);
	nurseries_replace(s);
	lease_renew_as(s->lease);
}

static void on_forgotten(void *ctx)
{
	struct supervisor *s = ctx;

	log_event(LOG_ERROR, "redis.data_lost", LOG_STR("lease", s->lease_id),
		LOG_NUM("in_hand", (int64_t)fleet_busy(s)),
		LOG_STR("error", "Redis does not know this supervisor any more: it lost data. What "
				 "is in hand "
				 "is written again"));
	exclusive_end_all(s->exclusive, "Redis lost data, and may have given them to another");
	s->reenter_due = true;
	s->enlisted = s->state == SUPERVISOR_STARTING ? s->enlisted : false;
}

static void on_held_again(void *ctx, bool first)
{
	struct supervisor *s = ctx;

	exclusive_confirmed(s->exclusive);
	if (s->reenter_due) {
		s->reenter_due = false;
		presence_reenter(s);
		starts_lock_again(s);
	}
	on_held(ctx, first);
}

const struct lease_events STANDING_LEASE_EVENTS = {.collect = collect,
	.held = on_held_again,
	.orphan = on_orphan,
	.missing = on_missing,
	.taken = on_taken,
	.forgotten = on_forgotten};

/* -- the connection --------------------------------------------------------------------------------------- */

/* With Sentinels it may be another one than before. */
static void say_up(const struct supervisor *s)
{
	char *server = redis_say_server(s->redis);

	log_event(LOG_INFO, "redis.up", LOG_STR("server", server),
		LOG_NUM("away_ms", clock_mono_ms() - s->down_since_mono_ms));
	free(server);
}

static void on_up(void *ctx)
{
	struct supervisor *s = ctx;

	if (s->was_up && s->down_said)
		say_up(s);
	s->was_up = true;
	s->down_said = false;
	lease_connected(s->lease);
	wake_main_connected(s->wake);
	supervisor_turn(s);
}

static void on_down(void *ctx, const struct err *why, bool lasting)
{
	struct supervisor *s = ctx;

	lease_disconnected(s->lease);
	s->watch_under_way = false;
	s->tick_under_way = false;
	wishes_disconnected(s->wishes);
	if (!s->was_up && lasting) {
		log_event(LOG_ERROR, "redis.refused", LOG_STR("error", why->text));
		supervisor_end(s, 1);
		return;
	}
	if (s->down_said)
		return;
	s->down_said = true;
	s->down_since_mono_ms = clock_mono_ms();
	log_event(LOG_ERROR, "redis.down", LOG_STR("error", why->text),
		LOG_STR("consequence",
			s->was_up ? "jobs go on, their verdicts wait" : "nothing is begun"));
	supervisor_turn(s);
}

const struct redis_events STANDING_REDIS_EVENTS = {.up = on_up, .down = on_down};

void standing_connect_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)fd, (void)what;
	if (s->was_up || s->wait_for_redis)
		return;
	log_event(LOG_ERROR, "supervisor.failed",
		LOG_STR("error",
			"Redis was not reached within connect_timeout; --wait would go on trying"));
	supervisor_end(s, EXIT_REDIS_AWAY);
}
