/* cli/jobs: how a job is written down; see jobs.h. */
#include <jansson.h>

#include "base/clock.h"
#include "cli/jobs.h"
#include "cli/show.h"

/* What there is to say of a job's time, by its state. */
static const struct age {
	const char *state, *words;
	bool begun; /* counted from when it was begun, else from when it was enqueued */
	bool over;  /* counted until it ended, else until now */
} ages[] = {
	{"queued", "waits for", false, false},
	{"delayed", "waits for", false, false},
	{"retrying", "waits for", false, false},
	{"interrupted", "waits for", false, false},
	{"throttled", "runs for", true, false},
	{"pausing", "runs for", true, false},
	{"paused", "there for", false, false},
	{"cancelling", "runs for", true, false},
	{"parked", "waits for", false, false},
	{"running", "runs for", true, false},
	{"lost", "held for", true, false},
	{"done", "ran for", true, true},
	{"failed", "ran for", true, true},
	{"cancelled", "ended after", false, true},
};

static const struct age *find_age(const struct drover_job_info *job)
{
	for (size_t i = 0; i < sizeof ages / sizeof *ages; i++)
		if (span_is(cli_span(job->state), ages[i].state))
			return &ages[i];
	return NULL;
}

long long jobs_age(const struct drover_job_info *job)
{
	const struct age *age = find_age(job);
	long long since, until;

	if (!age)
		return -1;
	since = age->begun ? job->started_at_ms : job->enqueued_at_ms;
	until = age->over ? job->ended_at_ms : clock_wall_ms();
	if (since < 0 || until < 0)
		return -1;
	return until > since ? until - since : 0;
}

void jobs_add_doc(struct doc *d, const struct drover_job_info *job)
{
	doc_open(d, NULL, '{');
	doc_text(d, "jid", cli_span(job->jid));
	doc_text(d, "class", cli_span(job->class_name));
	doc_text(d, "queue", cli_span(job->queue));
	doc_json(d, "args", cli_span(job->args));
	doc_text(d, "state", cli_span(job->state));
	doc_text(d, "worker", cli_span(job->worker));
	doc_number(d, "pid", job->pid);
	doc_number(d, "attempt", job->attempt);
	doc_number(d, "interruptions", job->interruptions);
	doc_number(d, "recoveries", job->recoveries);
	doc_text(d, "origin", cli_span(job->origin));
	doc_time(d, "enqueued_at", job->enqueued_at_ms);
	doc_time(d, "started_at", job->started_at_ms);
	doc_number(d, "age_ms", jobs_age(job));
	doc_number(d, "silent_ms", job->silent_ms);
	doc_text(d, "place", cli_span(job->place));
	doc_number(d, "position", job->position);
	doc_time(d, "next_at", job->next_at_ms);
	if (job->tracked) {
		doc_time(d, "ended_at", job->ended_at_ms);
		doc_number(d, "done", job->done);
		doc_number(d, "total", job->total);
		doc_text(d, "note", cli_span(job->note));
		doc_json(d, "result", cli_span(job->result));
		doc_text(d, "request_id", cli_span(job->request_id));
		doc_text(d, "tick", cli_span(job->tick));
	}
	if (job->each)
		jobs_add_each_doc(d, job);
	if (job->parent.len) {
		doc_text(d, "parent", cli_span(job->parent));
		doc_integer(d, "part", job->part);
	}
	if (job->audit.len)
		doc_json(d, "audit", cli_span(job->audit));
	if (job->tracked || job->error.len || job->exception.len) {
		doc_text(d, "exception", cli_span(job->exception));
		doc_text(d, "error", cli_span(job->error));
	}
	if (job->raw.len || job->why.len) {
		doc_text(d, "raw", cli_span(job->raw));
		doc_text(d, "why", cli_span(job->why));
	}
	doc_close(d, '}');
}

void jobs_add_line(struct text *out, const char *name, struct span value)
{
	if (value.len == 0)
		return;
	text_addf(out, "%-14s ", name);
	show_add_safe(out, value);
	text_add_char(out, '\n');
}

static void add_time(struct text *out, const char *name, long long wall_ms)
{
	char text[CLOCK_TEXT_SIZE];

	if (wall_ms >= 0)
		jobs_add_line(out, name, span_of(clock_rfc3339(wall_ms, text)));
}

void jobs_add_number(struct text *out, const char *name, long long n)
{
	if (n >= 0)
		text_addf(out, "%-14s %lld\n", name, n);
}

static void add_state(struct text *out, const struct drover_job_info *job)
{
	struct text words = {0};

	show_add_state(&words, cli_span(job->state), job->silent_ms);
	jobs_add_line(out, "state", (struct span){words.data, words.len});
	text_fini(&words);
}

static void add_age(struct text *out, const struct drover_job_info *job)
{
	char age[32];

	if (jobs_age(job) >= 0)
		jobs_add_line(out, find_age(job)->words, span_of(show_age(jobs_age(job), age)));
}

/* Where it is now, in one phrase. */
static void add_place(struct text *out, const struct drover_job_info *job)
{
	static const struct {
		const char *place, *words;
	} places[] = {{"queue", "its queue, jobs before it:"},
		{"parked", "parked, jobs before it:"}, {"delayed", "waits for its time"},
		{"paused", "put by until it is resumed"}, {"lease", "in the hands of a supervisor"},
		{"failed", "the failed list, record"}};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (!span_is(cli_span(job->place), places[i].place))
			continue;
		text_addf(out, "%-14s %s", "where", places[i].words);
		if (job->position >= 0)
			text_addf(out, " %lld", job->position);
		text_add_char(out, '\n');
	}
}

static void add_audit_entry(struct text *out, const json_t *entry)
{
	static const char *const texts[] = {"at", "what", "by", "worker", "detail"};
	struct text line = {0};
	const json_t *attempt = json_object_get(entry, "attempt");

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *text = json_string_value(json_object_get(entry, texts[i]));

		text_add_str(&line, text && line.len ? "  " : "");
		text_add_str(&line, text ? text : "");
		if (i == 1 && json_is_integer(attempt))
			text_addf(&line, " (attempt %lld)", (long long)json_integer_value(attempt));
	}
	show_add_safe(out, (struct span){line.data, line.len});
	text_fini(&line);
}

static void add_audit(struct text *out, struct span json)
{
	json_t *list = json_loadb(json.at, json.len, 0, NULL);
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		text_addf(out, "%-14s ", i == 0 ? "history" : "");
		add_audit_entry(out, entry);
		text_add_char(out, '\n');
	}
	json_decref(list);
}

static void add_numbers(struct text *out, const struct drover_job_info *job)
{
	jobs_add_number(out, "pid", job->pid);
	jobs_add_number(out, "attempt", job->attempt);
	jobs_add_number(out, "interruptions", job->interruptions);
	jobs_add_number(out, "recoveries", job->recoveries);
}

static void add_times(struct text *out, const struct drover_job_info *job)
{
	add_time(out, "enqueued at", job->enqueued_at_ms);
	add_time(out, "due at", job->next_at_ms);
	add_time(out, "started at", job->started_at_ms);
	add_time(out, "ended at", job->ended_at_ms);
	add_age(out, job);
}

void jobs_add_lines(struct text *out, const struct drover_job_info *job)
{
	jobs_add_line(out, "jid", cli_span(job->jid));
	jobs_add_line(out, "class", cli_span(job->class_name));
	jobs_add_line(out, "queue", cli_span(job->queue));
	jobs_add_line(out, "args", cli_span(job->args));
	jobs_add_line(out, "part of", cli_span(job->parent));
	add_state(out, job);
	add_place(out, job);
	jobs_add_line(out, "worker", cli_span(job->worker));
	add_numbers(out, job);
	jobs_add_line(out, "origin", cli_span(job->origin));
	jobs_add_line(out, "tick", cli_span(job->tick));
	jobs_add_line(out, "request id", cli_span(job->request_id));
	add_times(out, job);
	if (job->each) {
		jobs_add_each_lines(out, job);
	} else {
		jobs_add_number(out, "done", job->done);
		jobs_add_number(out, "of", job->total);
	}
	jobs_add_line(out, "note", cli_span(job->note));
	jobs_add_line(out, "result", cli_span(job->result));
	jobs_add_line(out, "exception", cli_span(job->exception));
	jobs_add_line(out, "error", cli_span(job->error));
	jobs_add_line(out, "no job", cli_span(job->why));
	jobs_add_line(out, "item", cli_span(job->raw));
	add_audit(out, cli_span(job->audit));
}
