/* cli/judge: see judge.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/units.h"
#include "cli/judge.h"

#define CLOCKS_APART_MS 2000

void judge_add(struct judge_findings *f, enum judge_level level, const char *fmt, ...)
{
	char sentence[1024];
	va_list ap;

	must(f->n < sizeof f->items / sizeof *f->items);
	va_start(ap, fmt);
	vsnprintf(sentence, sizeof sentence, fmt, ap);
	va_end(ap);
	f->items[f->n].level = level;
	text_add_str(&f->items[f->n].text, sentence);
	f->n++;
}

void judge_findings_fini(struct judge_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		text_fini(&f->items[i].text);
	f->n = 0;
}

enum judge_level judge_worst(const struct judge_findings *f)
{
	enum judge_level worst = JUDGE_OK;

	for (size_t i = 0; i < f->n; i++)
		worst = f->items[i].level > worst ? f->items[i].level : worst;
	return worst;
}

const char *judge_level_name(enum judge_level level)
{
	static const char *const names[] = {
		[JUDGE_OK] = "ok", [JUDGE_WARNING] = "warning", [JUDGE_ERROR] = "error"};

	return names[level];
}

static void judge_version(struct judge_findings *f, const struct drover_server *s)
{
	int major = atoi(s->version);

	if (!*s->version)
		judge_add(f, JUDGE_WARNING,
			"the server does not say its version; 6.0 is the oldest "
			"that will do");
	else if (major < 6)
		judge_add(f, JUDGE_ERROR, "Redis %s is too old: 6.0 is the oldest that will do",
			s->version);
	else
		judge_add(f, JUDGE_OK, "Redis %s", s->version);
}

static void judge_persistence(struct judge_findings *f, const struct drover_server *s)
{
	if (s->appendonly == 0 && s->snapshots == 0)
		judge_add(f, JUDGE_WARNING,
			"no persistence: a restart of Redis loses every job "
			"that is in it (appendonly no, save \"\")");
	else if (s->appendonly == 0 && s->snapshots == 1)
		judge_add(f, JUDGE_WARNING,
			"snapshots only: a crash of Redis loses everything "
			"since the last one (appendonly no)");
	else if (s->appendonly == 1 && strcmp(s->appendfsync, "everysec") == 0)
		judge_add(f, JUDGE_OK,
			"appendfsync everysec: a crash of Redis can lose the last "
			"second of writes; always would not");
	else if (s->appendonly == 1 && strcmp(s->appendfsync, "no") == 0)
		judge_add(f, JUDGE_WARNING,
			"appendfsync no: a crash of its host loses what the "
			"kernel had not written yet, up to half a minute");
	else if (s->appendonly == 1 && *s->appendfsync)
		judge_add(f, JUDGE_OK, "appendfsync %s: what Redis has answered is on its disk",
			s->appendfsync);
	else
		judge_add(f, JUDGE_WARNING,
			"the server does not tell how it persists: whether a "
			"crash loses jobs is not known");
}

static void judge_memory(struct judge_findings *f, const struct drover_server *s)
{
	char size[32];

	if (!*s->maxmemory_policy)
		judge_add(f, JUDGE_WARNING,
			"the server does not tell its maxmemory-policy; anything "
			"but noeviction can throw jobs away");
	else if (strcmp(s->maxmemory_policy, "noeviction") == 0)
		judge_add(f, JUDGE_OK, "maxmemory-policy noeviction");
	else if (s->maxmemory == 0)
		judge_add(f, JUDGE_WARNING,
			"maxmemory-policy %s: harmless while there is no "
			"maxmemory, but set noeviction: else keys, jobs among "
			"them, are thrown away once there is",
			s->maxmemory_policy);
	else
		judge_add(f, JUDGE_WARNING,
			"maxmemory-policy %s: at %s Redis throws keys away, jobs "
			"among them; set noeviction",
			s->maxmemory_policy,
			s->maxmemory > 0 ? units_say_size(s->maxmemory, size) : "its limit");
}

static void judge_replicas(struct judge_findings *f, const struct drover_server *s)
{
	if (*s->role && strcmp(s->role, "master") != 0)
		judge_add(f, JUDGE_ERROR,
			"this server is a %s: jobs can be taken from the master "
			"alone",
			s->role);
	else if (s->replicas > 0 && s->min_replicas_to_write == 0)
		judge_add(f, JUDGE_WARNING,
			"%lld replica%s, but min-replicas-to-write is 0: a "
			"failover can lose jobs that were enqueued or ended in "
			"the moments before",
			s->replicas, s->replicas == 1 ? "" : "s");
	else if (s->replicas > 0)
		judge_add(f, JUDGE_OK, "%lld replica%s; a failover can still lose the last moments",
			s->replicas, s->replicas == 1 ? "" : "s");
}

static void judge_clock(struct judge_findings *f, const struct drover_server *s)
{
	long long apart = s->clock_ahead_ms < 0 ? -s->clock_ahead_ms : s->clock_ahead_ms;
	char text[32];

	if (apart > CLOCKS_APART_MS + s->clock_within_ms)
		judge_add(f, JUDGE_WARNING,
			"the clock of Redis is %s %s ours: ages and due times "
			"are off by as much",
			units_say_duration(apart, text),
			s->clock_ahead_ms > 0 ? "ahead of" : "behind");
	else
		judge_add(f, JUDGE_OK, "the clocks agree");
}

void judge_server(struct judge_findings *f, const struct drover_server *s)
{
	judge_version(f, s);
	judge_persistence(f, s);
	judge_memory(f, s);
	judge_replicas(f, s);
	judge_clock(f, s);
}

void judge_lost_jobs(struct judge_findings *f, const struct judge_lost *lost)
{
	char more[48] = "";

	if (lost->jobs == 0)
		return;
	if (lost->leases > JUDGE_IDS)
		snprintf(more, sizeof more, " and %lld more", lost->leases - JUDGE_IDS);
	judge_add(f, JUDGE_WARNING,
		"%lld job%s held by %s no longer answer%s, until another takes over: %s%s",
		lost->jobs, lost->jobs == 1 ? " is" : "s are",
		lost->leases == 1 ? "a supervisor that" : "supervisors that",
		lost->leases == 1 ? "s" : "", lost->ids.data, more);
}

void judge_held(struct judge_findings *f, const struct drover_stats *s)
{
	if (s->paused)
		judge_add(f, JUDGE_WARNING,
			"everything is paused: nothing is started until drover resume --all, and "
			"while Resque's pause-all-workers is set");
	if (s->paused_jobs > 0)
		judge_add(f, JUDGE_OK, "%lld of paused runs, until those are resumed",
			s->paused_jobs);
	if (s->delayed + s->delayed_resque + s->parked == 0)
		return;
	judge_add(f, JUDGE_OK,
		"%lld delayed here, %lld by resque-scheduler's clients, %lld parked until others "
		"of their class end",
		s->delayed, s->delayed_resque, s->parked);
	if (s->supervisors == 0)
		judge_add(f, JUDGE_WARNING, "they wait until there is a supervisor");
}

/* -- one job ------------------------------------------------------------------------------- */

static bool say_disk(const struct drover_durable *d, struct text *words)
{
	if (d->disk == 1)
		text_add_str(words, "it is on the disk of the server");
	else if (d->appendonly == 0)
		text_add_str(words, "the server writes no append-only file: a crash of it can lose "
				    "the job (appendonly no)");
	else if (d->appendonly < 0)
		text_add_str(words, "the server does not tell whether it writes to a disk");
	else if (d->disk == 0)
		text_add_str(words, "the disk of the server has not confirmed it in time");
	else if (strcmp(d->appendfsync, "everysec") == 0)
		text_add_str(words, "it will be on the disk of the server within about a second, "
				    "unless that crashes before (appendfsync everysec)");
	else
		text_add_str(words, "nobody can say when it will be on the disk of the server");
	return d->disk == 1;
}

static bool say_replicas(const struct drover_durable *d, struct text *words)
{
	if (d->replicas <= 0) {
		text_add_str(words, d->replicas < 0
					    ? "; the server does not tell whether it has replicas"
					    : "; there is no replica");
		return false;
	}
	text_addf(words, "; %lld of %lld replica%s received it",
		d->replicas_received > 0 ? d->replicas_received : 0, d->replicas,
		d->replicas == 1 ? "" : "s");
	if (d->replicas_on_disk >= 0)
		text_addf(words, ", %lld wrote it to disk", d->replicas_on_disk);
	return d->replicas_received >= d->replicas;
}

bool judge_durable(const struct drover_durable *d, struct text *words)
{
	bool disk, replicas;

	if (!d->same_connection) {
		text_add_str(words, "the connection broke before anybody could say how safe it is");
		return false;
	}
	disk = say_disk(d, words);
	replicas = say_replicas(d, words);
	/* One copy beyond memory, and none outstanding that was promised. */
	return (disk || replicas) && (d->replicas <= 0 || replicas);
}
