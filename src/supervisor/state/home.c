/* home: see home.h. droverd. */
#include "supervisor/state/home.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/standing/adoption.h"
#include "supervisor/standing/exclusive.h"
#include "supervisor/state/journal.h"
#include "supervisor/supervisor.h"
#include "supervisor/state/takeover.h"

#include <stdlib.h>
#include <string.h>

struct home {
	struct state_about self;
	struct state_folder *folder; /* these three: NULL where it could not be made anew */
	struct scoreboard *scoreboard;
	struct journal *journal;
	struct takeover *takeover;
};

/* Where our lease stands: what two supervisors with the same Redis and namespace both say. */
static char *name_redis(const struct conf_redis *c)
{
	const char *rest = strstr(c->url, "://"), *at;

	rest = rest ? rest + 3 : c->url;
	at = strrchr(rest, '@'); /* a password does not belong into a file */
	return must_printf(
		"%.*s%s %s", (int)(rest - c->url), c->url, at ? at + 1 : rest, c->prefix);
}

/* -- our own --------------------------------------------------------------------------------------- */

static void describe_self(struct supervisor *s)
{
	char *redis = name_redis(&s->settings->conf->redis);

	state_about_fini(&s->home->self);
	state_about_self(&s->home->self, s->lease_id, redis);
	free(redis);
}

static int make(struct supervisor *s, struct err *err)
{
	const struct conf_supervisor *c = &s->settings->conf->supervisor;
	struct home *h = s->home;

	describe_self(s);
	h->folder = state_dir_make(c->state_dir, &h->self, err);
	if (h->folder == NULL)
		return -1;
	h->scoreboard = scoreboard_new(h->folder->fd, s->lease_id, c->lease_ms, err);
	h->journal = h->scoreboard ? journal_new(h->folder->fd, err) : NULL;
	return h->journal ? 0 : err_at(err, "%s", h->folder->path);
}

/* Who holds parts of it hears of them; also where there are none. */
static void hand_out(struct supervisor *s)
{
	outbox_set_journal(s->outbox, s->home->journal);
	exclusive_use_board(s->exclusive, s->home->scoreboard);
	FLEET_EACH_SLOT (s, slot)
		slot->place = home_place(s, slot->number);
}

/* True where nothing was left in it. */
static bool drop(struct home *h, bool keep)
{
	scoreboard_free(h->scoreboard);
	journal_free(h->journal);
	if (keep)
		state_folder_keep(h->folder);
	else
		state_folder_remove(h->folder);
	h->scoreboard = NULL;
	h->journal = NULL;
	h->folder = NULL;
	return !keep;
}

void home_renew(struct supervisor *s)
{
	struct home *h = s->home, old = *h;
	struct err err;

	h->scoreboard = NULL;
	h->journal = NULL;
	h->folder = NULL;
	if (make(s, &err) < 0) {
		log_event(LOG_ERROR, "state_dir.failed", LOG_STR("error", err.text),
			LOG_STR("consequence", "should this droverd die, its jobs wait for the "
					       "end of its lease"));
		drop(h, false);
	}
	hand_out(s);
	drop(&old, false);
}

struct scoreboard_place home_place(struct supervisor *s, unsigned number)
{
	return scoreboard_place(s->home->scoreboard, number);
}

int home_board_fd(const struct supervisor *s)
{
	return scoreboard_fd(s->home->scoreboard);
}

const char *home_path(const struct supervisor *s)
{
	return s->home->folder ? s->home->folder->path : "";
}

/* -- those of others ---------------------------------------------------------------------------------- */

static bool may_talk(void *ctx)
{
	return lease_is_held(((struct supervisor *)ctx)->lease);
}

static bool is_ending(void *ctx)
{
	return ((struct supervisor *)ctx)->state >= SUPERVISOR_DRAINING;
}

static bool adopt(void *ctx, const char *lease, estate_adopted_fn *fn, void *arg)
{
	adoption_take(((struct supervisor *)ctx)->adoption, lease, fn, arg);
	return true;
}

/* A moment as good as any. */
static void looked(void *ctx)
{
	journal_settle(((struct supervisor *)ctx)->home->journal);
}

static const struct takeover_events TAKEOVER_EVENTS = {
	.may_talk = may_talk, .is_ending = is_ending, .adopt = adopt, .looked = looked};

void home_lease_held(struct supervisor *s)
{
	takeover_go_on(s->home->takeover);
}

/* -- from start to end -------------------------------------------------------------------------------- */

int home_open(struct supervisor *s, struct err *err)
{
	const struct conf_supervisor *c = &s->settings->conf->supervisor;
	struct home *h = s->home = must_alloc(sizeof *h);

	if (make(s, err) < 0)
		return -1;
	if (!state_dir_is_in_memory(c->state_dir))
		log_event(LOG_WARN, "state_dir.disk", LOG_STR("state_dir", c->state_dir),
			LOG_STR("advice", "it is on no tmpfs: each write-back of the disk stalls "
					  "droverd for a moment"));
	h->takeover = takeover_new(s->base, c->state_dir, &h->self, &s->verbs,
		(struct verbs_keep){c->runs_kept_ms, c->ids_kept_ms}, &TAKEOVER_EVENTS, s);
	hand_out(s);
	return 0;
}

void home_start(struct supervisor *s)
{
	takeover_start(s->home->takeover);
}

bool home_close(struct supervisor *s)
{
	struct home *h = s->home;
	bool keep = outbox_count(s->outbox) > 0 || (s->was_up && !s->lease_left), gone;

	takeover_free(h->takeover);
	gone = drop(h, keep);
	state_about_fini(&h->self);
	free(h);
	s->home = NULL;
	return gone;
}
