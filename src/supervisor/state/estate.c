/* estate: see estate.h. droverd. It kills only what is proved to be of a start that is gone. */
#include "supervisor/state/estate.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/marked.h"
#include "base/must.h"
#include "base/process.h"
#include "supervisor/state/journal.h"
#include "supervisor/standing/outbox.h"
#include "supervisor/state/remains.h"
#include "supervisor/state/scoreboard.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	NAP_MS = 5,
	NAP_LONGEST_MS = 200,
	QUIET_LOOKS = 2,
	PATIENCE_MS = 30000,
	LOOK_AT_ONCE = 100, /* processes a step */
	AGAIN_MS = 1000,
	ANSWER_MS = 50
};

enum estate_state { ESTATE_LOOKING, ESTATE_SENDING, ESTATE_ADOPTING };

struct estate {
	struct event_base *base;
	const struct estate_ops *ops;
	void *ctx;
	struct state_folder *folder;
	struct state_about about;
	struct estate_plan plan;
	enum estate_state state;
	/* looking */
	char *mark;
	struct marked_look look;
	struct text scratch;
	int living; /* found by the scoreboard in this round */
	int quiet, nap_ms;
	int killed;
	int64_t since_mono_ms;
	bool patience_said;
	/* sending */
	struct verbs verbs;
	struct remains *remains; /* of its iterating jobs */
	struct outbox *outbox;
	struct verbs_keep keep;
	int verdicts;
	bool lease_gone, asked;
	struct event *timer;
};

struct estate_plan estate_decide(const struct state_about *self, const struct state_about *other)
{
	bool same_boot = strcmp(self->boot_id, other->boot_id) == 0;
	bool same_pids = strcmp(self->pid_ns, other->pid_ns) == 0;

	return (struct estate_plan){
		.look = same_boot,
		.by_scoreboard = same_boot && same_pids,
		/* The first process of a pid namespace takes all others with it. */
		.certain = !same_boot || same_pids || other->pid == 1,
		.ours = strcmp(self->redis, other->redis) == 0,
	};
}

static void arm(struct event *timer, int64_t ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(timer, &tv);
}

/* -- nothing of it may live ------------------------------------------------------------------------ */

/* Held before it is looked at, so that the signal cannot reach whoever has the number next. */
static bool end_if_the_same(struct estate *e, const struct scoreboard_slot *slot)
{
	int held = (int)syscall(SYS_pidfd_open, slot->pid, 0);
	int64_t start_boot_ms;
	bool same;

	if (held < 0)
		return false;
	start_boot_ms = process_start_boot_ms(&e->scratch, slot->pid);
	same = start_boot_ms >= 0 &&
	       scoreboard_started_then(slot, start_boot_ms, process_tick_ms()) &&
	       !process_is_over(&e->scratch, slot->pid);
	if (same) {
		kill(-slot->pid, SIGKILL); /* its group: it leads one of its own */
		syscall(SYS_pidfd_send_signal, held, SIGKILL, NULL, 0);
	}
	close(held);
	return same;
}

static void end_recorded(void *ctx, const struct scoreboard_slot *slot,
	const struct scoreboard_mark *mark, const struct scoreboard_begun *begun)
{
	struct estate *e = ctx;

	(void)mark, (void)begun;
	if (slot->pid > 0 && slot->pid != getpid())
		e->living += end_if_the_same(e, slot);
}

static void begin_round(struct estate *e)
{
	struct err err;

	e->living = 0;
	if (e->plan.by_scoreboard && scoreboard_read(e->folder->fd, end_recorded, e, &err) < 0)
		log_event(LOG_DEBUG, "takeover.no_scoreboard", LOG_STR("error", err.text));
}

static void say_impatient(struct estate *e)
{
	if (e->patience_said || clock_mono_ms() - e->since_mono_ms < PATIENCE_MS)
		return;
	e->patience_said = true;
	log_event(LOG_ERROR, "takeover.never_dies", LOG_STR("lease", e->about.lease),
		LOG_NUM("processes", e->look.found + e->living),
		LOG_STR("error", "what a lost supervisor left behind was sent SIGKILL and has not "
				 "ended; its jobs wait for that"));
}

/* A round is over: how long until the next, -1: none is due. */
static int64_t judge_round(struct estate *e)
{
	int found = e->look.found + e->living, killed = e->look.killed + e->living;

	e->killed = killed > e->killed ? killed : e->killed;
	e->quiet = found ? 0 : e->quiet + 1;
	if (e->quiet >= QUIET_LOOKS)
		return -1;
	say_impatient(e);
	e->nap_ms = e->nap_ms * 2 < NAP_LONGEST_MS ? e->nap_ms * 2 : NAP_LONGEST_MS;
	return e->nap_ms;
}

static int64_t step_looking(struct estate *e)
{
	const struct span mark = {e->mark, strlen(e->mark) + 1};
	int64_t nap_ms;
	struct err err;
	int whole;

	if (e->look.proc == NULL)
		begin_round(e);
	whole = marked_look(&e->look, mark, NULL, LOOK_AT_ONCE, &err);
	if (whole == 0)
		return 0;
	if (whole < 0) {
		log_event(LOG_ERROR, "takeover.blind", LOG_STR("error", err.text));
		return AGAIN_MS;
	}
	nap_ms = judge_round(e);
	if (nap_ms >= 0)
		return nap_ms;
	e->state = ESTATE_SENDING;
	CRASH_POINT("takeover.ended");
	return 0;
}

/* -- what it had to say ------------------------------------------------------------------------------ */

static void nobody_waits(void *ctx, void *owner)
{
	(void)ctx, (void)owner;
}

static void on_lease_gone(void *ctx)
{
	((struct estate *)ctx)->lease_gone = true;
}

static const struct outbox_events OUTBOX_EVENTS = {
	.confirmed = nobody_waits, .unknown_lease = on_lease_gone, .stale_is_normal = true};

static void add_verdict(void *ctx, const struct verdict *v)
{
	outbox_add(((struct estate *)ctx)->outbox, v, NULL);
}

static void open_outbox(struct estate *e)
{
	struct err err;

	e->outbox = outbox_new(e->base, &e->verbs, &e->keep, &OUTBOX_EVENTS, e);
	e->verdicts = journal_read(e->folder->fd, add_verdict, e, &err);
	if (e->verdicts < 0)
		log_event(LOG_ERROR, "takeover.no_verdicts", LOG_STR("lease", e->about.lease),
			LOG_STR("error", err.text),
			LOG_STR("consequence", "jobs that had ended may run again"));
}

static void read_remains(struct estate *e)
{
	e->remains = remains_read(e->folder->fd);
	CRASH_POINT("takeover.read");
}

static int64_t step_sending(struct estate *e)
{
	if (!e->plan.ours) {
		log_event(LOG_WARN, "takeover.foreign", LOG_STR("folder", e->folder->path),
			LOG_STR("advice", "its lease stands in another Redis or namespace; a "
					  "supervisor of that one takes it over"));
		e->ops->finished(e->ctx, e, false);
		return -1;
	}
	if (!e->ops->may_talk(e->ctx))
		return AGAIN_MS; /* estate_go_on comes earlier */
	if (e->remains == NULL)
		read_remains(e);
	if (!remains_are_told(e->remains)) {
		remains_tell(e->remains, &e->verbs, e->keep.runs_ms);
		return ANSWER_MS;
	}
	CRASH_POINT("takeover.told");
	if (e->outbox == NULL)
		open_outbox(e);
	if (e->lease_gone)
		outbox_drop_all(e->outbox);
	if (!outbox_is_done(e->outbox)) {
		outbox_flush(e->outbox);
		return ANSWER_MS;
	}
	e->state = ESTATE_ADOPTING;
	CRASH_POINT("takeover.sent");
	return 0;
}

/* -- what it had in hand ------------------------------------------------------------------------------ */

static void on_adopted(void *arg, bool done)
{
	struct estate *e = arg;

	e->asked = false;
	CRASH_POINT("takeover.adopted");
	if (done)
		e->ops->finished(e->ctx, e, true);
	else
		arm(e->timer, AGAIN_MS);
}

static int64_t step_adopting(struct estate *e)
{
	if (!e->plan.certain) { /* its lease runs out like that of a supervisor elsewhere */
		e->ops->finished(e->ctx, e, true);
		return -1;
	}
	if (e->asked)
		return -1;
	if (!e->ops->may_talk(e->ctx))
		return AGAIN_MS;
	e->asked = true;
	if (e->ops->adopt(e->ctx, e->about.lease, on_adopted, e))
		return -1;
	e->asked = false;
	return AGAIN_MS;
}

/* Returns in how many ms the next step is due; -1: not by the clock, or there is nothing left of `e`. */
static int64_t (*const STEPS[])(struct estate *e) = {[ESTATE_LOOKING] = step_looking,
	[ESTATE_SENDING] = step_sending,
	[ESTATE_ADOPTING] = step_adopting};

static void on_step(evutil_socket_t fd, short what, void *arg)
{
	struct estate *e = arg;
	struct event *timer = e->timer;
	int64_t next_ms = STEPS[e->state](e);

	(void)fd, (void)what;
	if (next_ms >= 0)
		arm(timer, next_ms);
}

/* -- made and unmade --------------------------------------------------------------------------------- */

struct estate *estate_new(struct event_base *base, struct state_folder *folder,
	const struct state_about *about, struct estate_plan plan, const struct verbs *verbs,
	struct verbs_keep keep, const struct estate_ops *ops, void *ctx)
{
	struct estate *e = must_alloc(sizeof *e);

	*e = (struct estate){.base = base,
		.ops = ops,
		.ctx = ctx,
		.folder = folder,
		.about = *about,
		.plan = plan,
		.mark = must_printf("DROVER_LEASE=%s", about->lease),
		.nap_ms = NAP_MS,
		.since_mono_ms = clock_mono_ms(),
		.verbs = *verbs,
		.keep = keep};
	e->verbs.lease = e->about.lease;
	e->verbs.words = (struct words){0};
	e->state = plan.look ? ESTATE_LOOKING : ESTATE_SENDING;
	e->timer = evtimer_new(base, on_step, e);
	log_event(LOG_WARN, "takeover.begin", LOG_STR("lease", about->lease),
		LOG_NUM("pid", about->pid), LOG_STR("version", about->version));
	arm(e->timer, 0);
	CRASH_POINT("takeover.begin");
	return e;
}

static void free_estate(struct estate *e)
{
	if (e->outbox)
		outbox_free(e->outbox);
	remains_free(e->remains);
	words_fini(&e->verbs.words);
	marked_look_fini(&e->look);
	text_fini(&e->scratch);
	state_about_fini(&e->about);
	event_free(e->timer);
	free(e->mark);
	free(e);
}

void estate_keep(struct estate *e)
{
	state_folder_keep(e->folder);
	free_estate(e);
}

void estate_remove(struct estate *e)
{
	state_folder_remove(e->folder);
	log_event(LOG_WARN, "takeover.done", LOG_STR("lease", e->about.lease),
		LOG_NUM("verdicts", e->verdicts), LOG_NUM("killed", e->killed));
	free_estate(e);
}

const char *estate_name(const struct estate *e)
{
	return strrchr(e->folder->path, '/') + 1;
}

void estate_go_on(struct estate *e)
{
	if (e->state != ESTATE_LOOKING)
		arm(e->timer, 0);
}
