/* slot_fake: see slot_fake.h. In test programs only. */
#include "support/slot_fake.h"

#include <string.h>
#include <sys/resource.h>

#include "base/log.h"

static const char CONFIGURATION[] = "defaults: {keep_output: 1K}\n"
				    "jobs:\n"
				    "  Plain: {command: [x], timeout: 10s}\n"
				    "  Tracked: {command: [x], track: true}\n"
				    "  Once: {command: [x], delivery: at-most-once}\n"
				    "  Long: {command: [x], timeout: none}\n"
				    "  Retried: {command: [x], retries: 2, "
				    "backoff: {kind: linear, first: 7s, jitter: none}}\n"
				    "  Reused: {function: f, reuse: 3}\n"
				    "  Each: {each: {range: \"1..9\"}, filter: [x], parallel: 3}\n"
				    "modules: [/m.so]\n";

static void note(struct fake *f, const char *name)
{
	text_addf(&f->calls, "%s ", name);
}

static void ask_start(void *ctx, struct slot *s)
{
	(void)s;
	note(ctx, "start?");
}

static bool is_cancelled(void *ctx, struct span jid)
{
	(void)ctx;
	return span_is(jid, "unwanted");
}

static void set_limits(void *ctx, struct slot *s)
{
	ck_assert_int_eq(s->child.state, CHILD_IDLE); /* nothing of a job runs before them */
	note(ctx, "limits");
}

static bool may_begin(void *ctx, const struct slot *s)
{
	(void)s;
	return !((struct fake *)ctx)->too_late;
}

static void begins(void *ctx, const struct slot *s)
{
	ck_assert_int_eq(s->child.state, CHILD_IDLE);
	(void)ctx;
}

static void spawn(void *ctx, struct slot *s, enum nursery_kind kind)
{
	(void)s;
	note(ctx, kind == NURSERY_MODULES ? "spawn-module" : "spawn");
}

static bool is_current(void *ctx, const struct settings *settings)
{
	(void)ctx, (void)settings;
	return true;
}

static void child_known(void *ctx, pid_t pid, bool known)
{
	(void)ctx, (void)pid, (void)known;
}

static void spawn_overdue(void *ctx, struct slot *s)
{
	(void)s;
	note(ctx, "overdue");
}

static void spawn_answered(void *ctx)
{
	note(ctx, "answered");
}

static int no_fd(void *ctx)
{
	(void)ctx;
	return -1;
}

static int no_stream(void *ctx, struct slot *s)
{
	(void)ctx, (void)s;
	return -1;
}

static void ignore(void *ctx, struct slot *s)
{
	(void)ctx, (void)s;
}

static bool clear(void *ctx, struct slot *s)
{
	struct fake *f = ctx;

	(void)s;
	note(f, "clear");
	return f->clears_at_once;
}

static void keep_record(struct text *out, const struct verbs_record *r)
{
	text_clear(out);
	text_reserve(out, 0);
	if (r->n_pairs == 0)
		return;
	text_addf(out, "%.*s ", (int)r->audit.len, r->audit.at);
	for (size_t i = 0; i + 1 < r->n_pairs; i += 2)
		text_addf(out, "%.*s=%.*s ", (int)r->pairs[i].len, r->pairs[i].at,
			(int)r->pairs[i + 1].len, r->pairs[i + 1].at);
}

static void send_verdict(void *ctx, struct slot *s, const struct verdict *v, bool wait)
{
	static const char *const NAMES[] = {[VERDICT_DONE] = "done",
		[VERDICT_FAILED] = "failed",
		[VERDICT_HEAD] = "head",
		[VERDICT_LATER] = "later",
		[VERDICT_CANCELLED] = "cancelled",
		[VERDICT_TAIL] = "tail",
		[VERDICT_PAUSED] = "paused",
		[VERDICT_DIVIDED] = "divided"};
	struct fake *f = ctx;

	ck_assert_span_eq(v->token, span_of(s->job->token));
	ck_assert_span_eq(v->worker, SPAN_LIT("host:1:low"));
	ck_assert_span_eq(v->queue, SPAN_LIT("low"));
	note(f, NAMES[v->kind]);
	if (!wait)
		note(f, "and-on");
	f->kind = v->kind;
	f->delay_ms = v->delay_ms;
	text_clear(&f->text);
	text_reserve(&f->text, 0);
	text_add_span(&f->text, v->text);
	keep_record(&f->record, &v->record);
}

static void give_back(void *ctx, struct slot *s, struct job *job)
{
	(void)s;
	note(ctx, "give-back");
	job_free(job);
}

static void freed(void *ctx, struct slot *s)
{
	struct fake *f = ctx;

	f->state_when_freed = s->state;
	note(f, "freed");
}

static void kill_tree(void *ctx, struct slot *s)
{
	(void)s;
	note(ctx, "kill-tree");
}

static const struct slot_ops OPS = {.is_cancelled = is_cancelled,
	.ask_start = ask_start,
	.may_begin = may_begin,
	.begins = begins,
	.set_limits = set_limits,
	.board_fd = no_fd,
	.open_stream = no_stream,
	.close_stream = ignore,
	.grant = ignore,
	.note_end = ignore,
	.tell_soon = ignore,
	.tell_last = ignore,
	.spawn = spawn,
	.spawn_answered = spawn_answered,
	.is_current = is_current,
	.child_known = child_known,
	.spawn_overdue = spawn_overdue,
	.clear = clear,
	.send_verdict = send_verdict,
	.give_back = give_back,
	.freed = freed,
	.kill_tree = kill_tree};

void fake_start(struct fake *f)
{
	const struct rlimit no_core = {0, 0}; /* some tests abort on purpose */
	struct text faults = {0};
	struct conf *conf = conf_parse("x.yml", SPAN_LIT(CONFIGURATION), &faults);
	struct err err = {""};

	ck_assert_msg(conf != NULL, "%s", faults.data);
	setrlimit(RLIMIT_CORE, &no_core);
	log_init(LOG_ERROR, LOG_LOGFMT);
	*f = (struct fake){.base = event_base_new(), .settings = settings_new(conf, &err)};
	ck_assert_msg(f->settings != NULL, "%s", err.text);
	f->slot = slot_new(f->base, 1, "host:1:low", "host:1:abc", &OPS, f);
	f->slot->kill_grace_ms = 5000;
}

void fake_stop(struct fake *f)
{
	slot_discard(f->slot);
	settings_unref(f->settings);
	event_base_free(f->base);
	text_fini(&f->calls);
	text_fini(&f->text);
	text_fini(&f->record);
}

struct job *fake_job(struct fake *f, const char *payload)
{
	struct text entry = {0};
	struct err err = {""};
	struct job *j;

	text_addf(&entry, "taken 1795289183123 j1 10 host:1:low 3 low %s", payload);
	j = job_new(f->settings, SPAN_LIT("p.1.1"), text_span(&entry), &err);
	ck_assert_msg(j != NULL, "%s", err.text);
	text_fini(&entry);
	return j;
}

void fake_take(struct fake *f, const char *class_name)
{
	char payload[200];

	snprintf(payload, sizeof payload, "{\"class\":\"%s\",\"args\":[7.10]}", class_name);
	slot_take(f->slot, fake_job(f, payload));
}

void fake_child(struct fake *f, enum nursery_kind kind)
{
	f->slot->child.state = CHILD_IDLE;
	f->slot->child_kind = kind;
}

void fake_hello(struct fake *f, enum nursery_kind kind)
{
	fake_child(f, kind);
	f->slot->child.events->hello(f->slot);
}

void fake_say(struct fake *f, const char *line)
{
	f->slot->child.events->line(f->slot, span_of(line));
}

void fake_print(struct fake *f, const char *bytes)
{
	f->slot->child.events->output(f->slot, span_of(bytes));
}

void fake_exit(struct fake *f, int code, int signal)
{
	const struct child_exit exit = {.code = code, .signal = signal};

	child_close(&f->slot->child);
	f->slot->child.events->exited(f->slot, &exit);
}

void fake_reach(struct fake *f, enum slot_state state)
{
	if (state == SLOT_FREE)
		return;
	fake_take(f, state == SLOT_STARTING ? "Tracked" : "Plain");
	if (state >= SLOT_RUNNING)
		fake_hello(f, NURSERY_COMMANDS);
	if (state == SLOT_ENDING)
		slot_handle(f->slot, SLOT_EV_END);
	if (state == SLOT_KILLED)
		slot_handle(f->slot, SLOT_EV_KILL);
	if (state >= SLOT_CLEARING)
		fake_exit(f, 0, 0);
	if (state == SLOT_VERDICT)
		slot_handle(f->slot, SLOT_EV_CLEARED);
	ck_assert_int_eq(f->slot->state, state);
	fake_calls(f);
}

const char *fake_calls(struct fake *f)
{
	static char last[1000];

	snprintf(last, sizeof last, "%s", f->calls.data ? f->calls.data : "");
	text_clear(&f->calls);
	return last;
}
