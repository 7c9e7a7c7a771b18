/*
 * services: see supervisor.h. droverd. What slots and strays need from outside themselves, as the
 * operations they were given: spawns, verdicts, jobs that go back.
 */
#include "supervisor/supervisor.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/standing/wishes.h"
#include "supervisor/fleet/checkpoints.h"
#include "supervisor/fleet/grants.h"
#include "supervisor/fleet/sharing.h"
#include "supervisor/process/cgroup.h"
#include "supervisor/standing/exclusive.h"
#include "supervisor/job/record.h"
#include "supervisor/state/home.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAF_FAILURES_MAX = 2 };

/* -- what slots need --------------------------------------------------------------------------------- */

void services_give_up_spawn(struct slot *slot)
{
	if (slot->child.state == CHILD_SPAWNING)
		child_abandon(&slot->child);
	slot_handle(slot, SLOT_EV_NO_CHILD);
}

static void spawn_void(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	services_give_up_spawn(arg);
}

/* The answer must not come before this returns, hence the detour over the loop. */
static void fail_soon(struct supervisor *s, struct slot *slot, const struct err *why)
{
	const struct timeval now = {0};

	log_event(LOG_WARN, "spawn.failed", LOG_STR("worker", slot->worker_id),
		LOG_STR("error", why->text));
	event_base_once(s->base, -1, EV_TIMEOUT, spawn_void, slot, &now);
}

/* A leaf that bears no children is given up: the worker goes on without. */
static int leaf_folder(struct slot *slot)
{
	struct err err;
	int fd;

	if (slot->leaf == NULL)
		return -1;
	if (slot->leaf_failures < LEAF_FAILURES_MAX) {
		fd = cgroup_leaf_folder(slot->leaf, &err);
		if (fd >= 0)
			return fd;
	} else {
		err_set(&err, "children do not come to life in it");
	}
	log_event(LOG_WARN, "cgroup.given_up", LOG_STR("worker", slot->worker_id),
		LOG_STR("error", err.text));
	cgroup_leaf_free(slot->leaf);
	slot->leaf = NULL;
	return -1;
}

void services_spawn(struct supervisor *s, struct slot *slot, enum nursery_kind kind)
{
	struct nursery *n = s->nurseries[kind];
	struct err err;
	int theirs[2];

	slot->child_kind = kind;
	slot->spawn_nursery = nursery_pid(n);
	scoreboard_asked(slot->place);
	if (!nursery_is_ready(n)) {
		err_set(&err, "the nursery is not there yet%s%s", n ? ": " : "",
			n ? nursery_last_error(n) : "");
		fail_soon(s, slot, &err);
	} else if (child_prepare(&slot->child, ++s->spawn_serial, theirs, &err) < 0) {
		fail_soon(s, slot, &err);
	} else if (nursery_spawn(
			   n, slot->number, s->spawn_serial, theirs, leaf_folder(slot), &err) < 0) {
		fail_soon(s, slot, &err);
	} else {
		CRASH_POINT("spawn.asked");
	}
}

static void op_spawn(void *ctx, struct slot *slot, enum nursery_kind kind)
{
	services_spawn(ctx, slot, kind);
}

static void op_ask_start(void *ctx, struct slot *slot)
{
	slot->start_due = true;
	supervisor_turn(ctx);
}

static bool op_is_cancelled(void *ctx, struct span jid)
{
	return wishes_has(((struct supervisor *)ctx)->wishes, WISH_CANCEL, jid);
}

/* It may have been replaced meanwhile; a number that is none of ours any more is left alone. */
static bool is_nursery(const struct supervisor *s, pid_t pid)
{
	for (int k = 0; k < NURSERY_KINDS; k++)
		if (nursery_pid(s->nurseries[k]) == pid)
			return true;
	for (size_t i = 0; i < s->n_retired; i++)
		if (nursery_pid(s->retired[i]) == pid)
			return true;
	return false;
}

static void op_spawn_overdue(void *ctx, struct slot *slot)
{
	if (slot->spawn_nursery <= 0 || !is_nursery(ctx, slot->spawn_nursery))
		return;
	log_event(LOG_ERROR, "nursery.stuck", LOG_STR("worker", slot->worker_id),
		LOG_NUM("pid", slot->spawn_nursery),
		LOG_STR("error",
			"it was asked for a process long ago and has made none; it is killed"));
	kill(slot->spawn_nursery, SIGKILL);
}

static void op_child_known(void *ctx, pid_t pid, bool known)
{
	pid_set_put(&((struct supervisor *)ctx)->known, pid, known);
}

/* Those that wait for it are looked at once a turn, however many answers came in it. */
static void op_spawn_answered(void *ctx)
{
	struct supervisor *s = ctx;

	s->strays_due = true;
	supervisor_turn(s);
}

static bool op_is_current(void *ctx, const struct settings *settings)
{
	return ((struct supervisor *)ctx)->settings == settings;
}

static bool op_may_begin(void *ctx, const struct slot *slot)
{
	const struct supervisor *s = ctx;

	return !lease_may_be_anothers(s->lease) && exclusive_may_begin(s->exclusive, slot);
}

static void op_begins(void *ctx, const struct slot *slot)
{
	struct supervisor *s = ctx;

	exclusive_begin(s->exclusive, slot);
	if (slot->each || slot->output.keeps)
		checkpoints_expect(s->checkpoints);
}

/* -- what iterating jobs need besides -------------------------------------------------------------------- */

static int op_board_fd(void *ctx)
{
	return home_board_fd(ctx);
}

static int op_open_stream(void *ctx, struct slot *slot)
{
	struct supervisor *s = ctx;
	struct err err;
	int theirs = -1;

	slot->stream = stream_start(s->streams, &slot->each->stream, &theirs, &err);
	CRASH_POINT("stream.started");
	if (slot->stream == NULL)
		log_event(LOG_ERROR, "items.failed", LOG_SPAN("jid", slot->job->jid),
			LOG_STR("error", err.text));
	return theirs;
}

static void op_close_stream(void *ctx, struct slot *slot)
{
	(void)ctx;
	stream_free(slot->stream);
	slot->stream = NULL;
}

static void op_grant(void *ctx, struct slot *slot)
{
	grants_begin(((struct supervisor *)ctx)->grants, slot);
}

static void op_note_end(void *ctx, struct slot *slot)
{
	(void)ctx;
	sharing_note_end(slot);
}

static void op_tell_soon(void *ctx, struct slot *slot)
{
	(void)slot;
	checkpoints_soon(((struct supervisor *)ctx)->checkpoints);
}

static void op_tell_last(void *ctx, struct slot *slot)
{
	checkpoints_last(((struct supervisor *)ctx)->checkpoints, slot);
}

static void op_set_limits(void *ctx, struct slot *slot)
{
	const struct conf_class *c = slot->job->class->conf;
	struct err err;

	(void)ctx;
	slot->kernel_holds_memory = slot->kernel_holds_processes = false;
	if (slot->leaf == NULL)
		return;
	if (cgroup_leaf_begin(slot->leaf, c->memory_bytes, c->processes, &err) < 0) {
		log_event(LOG_WARN, "cgroup.limits", LOG_STR("worker", slot->worker_id),
			LOG_STR("error", err.text), LOG_STR("consequence", "this job is sampled"));
		return;
	}
	slot->kernel_holds_memory = cgroup_leaf_holds_memory(slot->leaf);
	slot->kernel_holds_processes = cgroup_leaf_holds_processes(slot->leaf);
}

/* What the kernel did by itself: a process killed at the limit of memory is that limit's verdict. */
static void note_hits(struct slot *slot)
{
	struct cgroup_hits hits;

	if (slot->leaf == NULL || slot->ending.reason != END_NONE)
		return;
	cgroup_leaf_hits(slot->leaf, &hits);
	if (!slot->kernel_holds_memory || hits.memory == 0 || hits.oom_kills == 0)
		return;
	slot->ending.reason = END_MEMORY;
	slot->ending.kill_sent = true;
	slot->ending.limit = slot->job->class->conf->memory_bytes;
	slot->ending.used = cgroup_leaf_memory_peak(slot->leaf);
	if (slot->ending.used < slot->ending.limit)
		slot->ending.used = slot->ending.limit;
}

static void on_cleared(void *arg)
{
	slot_cleared(arg);
}

/* What was killed in the leaf is ours to reap, for we are its subreaper. */
static void leaf_cleared(void *arg, bool empty)
{
	struct slot *slot = arg;
	struct supervisor *s = slot->ctx;

	if (!empty)
		log_event(LOG_ERROR, "job.never_dies", LOG_SPAN("jid", slot->job->jid),
			LOG_STR("worker", slot->worker_id),
			LOG_STR("error",
				"something it left behind was sent SIGKILL and has not ended"));
	if (strays_clear(s->strays, on_cleared, slot))
		slot_cleared(slot);
}

static bool op_clear(void *ctx, struct slot *slot)
{
	struct supervisor *s = ctx;

	note_hits(slot);
	exclusive_note_exit(s->exclusive, slot);
	if (slot->leaf && !cgroup_leaf_clear(slot->leaf, leaf_cleared, slot))
		return false;
	return strays_clear(s->strays, on_cleared, slot);
}

static void op_kill_tree(void *ctx, struct slot *slot)
{
	(void)ctx; /* without a leaf: what is left is a stray once the main process is gone */
	if (slot->leaf)
		cgroup_leaf_kill(slot->leaf);
}

/*
 * More is waiting, most likely: the next child is forked while this verdict and the next fetch
 * are on their way. If nothing comes, it is let go (see on_fetched).
 */
static void fork_ahead(struct supervisor *s, struct slot *slot)
{
	const struct pool *p = slot->pool;

	if (p && p->maybe_more && s->state == SUPERVISOR_RUNNING && !slot->retiring &&
		slot->child.state == CHILD_NONE && nursery_is_ready(s->nurseries[slot->child_kind]))
		services_spawn(s, slot, slot->child_kind);
}

static void op_send_verdict(void *ctx, struct slot *slot, const struct verdict *v, bool wait)
{
	struct supervisor *s = ctx;

	CRASH_POINT("verdict.made");
	outbox_add(s->outbox, v, wait ? slot : NULL);
	CRASH_POINT("verdict.kept");
	fork_ahead(s, slot);
	supervisor_turn(s);
}

/* The worker may have another job in hand, whose record must stay. */
void services_give_back(void *ctx, struct job *job)
{
	struct supervisor *s = ctx;
	struct record record;
	struct text payload = {0}, place = {0};
	struct verdict v = {.kind = VERDICT_HEAD,
		.order = job->sequence,
		.token = span_of(job->token),
		.worker = {"", 0},
		.queue = job->entry.queue,
		.jid = job->jid};

	job_add_unbegun(&payload, job);
	v.text = (struct span){payload.data, payload.len};
	if (job_is_tracked(job))
		iteration_add_place(&place, job);
	v.position = (struct span){place.data ? place.data : "", place.len};
	record_init(&record, job, "returned", job->entry.worker, (struct span){"", 0});
	record_add(&record, "state", span_of("queued"));
	v.record = record_view(&record);
	log_event(LOG_INFO, "job.returned", LOG_SPAN("jid", job->jid),
		LOG_SPAN("queue", job->entry.queue), LOG_SPAN("worker", job->entry.worker));
	outbox_add(s->outbox, &v, NULL);
	record_fini(&record);
	text_fini(&payload);
	text_fini(&place);
	job_free(job);
	supervisor_turn(s);
}

static void op_give_back(void *ctx, struct slot *slot, struct job *job)
{
	(void)slot;
	services_give_back(ctx, job);
}

static void op_freed(void *ctx, struct slot *slot)
{
	fleet_slot_freed(ctx, slot);
}

const struct slot_ops SERVICES_SLOT_OPS = {.is_cancelled = op_is_cancelled,
	.ask_start = op_ask_start,
	.is_current = op_is_current,
	.may_begin = op_may_begin,
	.begins = op_begins,
	.board_fd = op_board_fd,
	.open_stream = op_open_stream,
	.close_stream = op_close_stream,
	.grant = op_grant,
	.note_end = op_note_end,
	.tell_soon = op_tell_soon,
	.tell_last = op_tell_last,
	.set_limits = op_set_limits,
	.spawn = op_spawn,
	.spawn_overdue = op_spawn_overdue,
	.child_known = op_child_known,
	.spawn_answered = op_spawn_answered,
	.clear = op_clear,
	.send_verdict = op_send_verdict,
	.give_back = op_give_back,
	.freed = op_freed,
	.kill_tree = op_kill_tree};

/* -- strays -------------------------------------------------------------------------------------------- */

static bool stray_is_known(void *ctx, pid_t pid)
{
	struct supervisor *s = ctx;

	for (int k = 0; k < NURSERY_KINDS; k++)
		if (nursery_pid(s->trial[k]) == pid)
			return true;
	return is_nursery(s, pid) || pid_set_has(&s->known, pid);
}

/* Only jobs that do not adopt their orphans can have any here while they run. */
static bool stray_is_claimed(void *ctx, pid_t pid)
{
	struct supervisor *s = ctx;

	if (!s->orphans_possible)
		return false;
	FLEET_EACH_SLOT (s, slot) {
		char *entry;
		bool claimed;

		if (slot->child.state != CHILD_BUSY || slot->job->class->conf->adopt_orphans)
			continue;
		entry = must_printf("DROVER_JID=%.*s", (int)slot->job->jid.len, slot->job->jid.at);
		claimed = tree_environ_holds(pid, entry);
		free(entry);
		if (claimed)
			return true;
	}
	return false;
}

static uint64_t stray_oldest_spawn(void *ctx)
{
	struct supervisor *s = ctx;
	uint64_t oldest = UINT64_MAX;

	FLEET_EACH_SLOT (s, slot)
		if (slot->child.state == CHILD_SPAWNING && slot->child.serial < oldest)
			oldest = slot->child.serial;
	return oldest;
}

static uint64_t stray_next_spawn(void *ctx)
{
	return ((struct supervisor *)ctx)->spawn_serial + 1;
}

static void stray_killed(void *ctx, pid_t pid)
{
	(void)ctx;
	log_event(LOG_INFO, "job.leftover_killed", LOG_NUM("pid", pid));
}

const struct strays_events SERVICES_STRAYS_EVENTS = {.is_known = stray_is_known,
	.is_claimed = stray_is_claimed,
	.oldest_spawn = stray_oldest_spawn,
	.next_spawn = stray_next_spawn,
	.killed = stray_killed};
