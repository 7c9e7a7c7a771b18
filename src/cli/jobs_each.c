/* cli/jobs: how far an iterating job is, written down; see jobs.h. */
#include <stdio.h>

#include "base/units.h"
#include "cli/jobs.h"
#include "cli/show.h"

char *jobs_say_speed(double speed, char *out)
{
	*out = '\0';
	if (speed >= 0)
		snprintf(out, 32, "%.1f/s", speed);
	return out;
}

void jobs_say_progress(struct text *out, const struct drover_job_info *job)
{
	long long passed = job->done + (job->errors > 0 ? job->errors : 0);

	if (job->done < 0)
		return;
	text_addf(out, "%lld", job->done);
	if (job->total >= 0)
		text_addf(out, " of %lld", job->total);
	if (job->total > 0)
		text_addf(out, " (%lld %%)", passed < job->total ? passed * 100 / job->total : 100);
}

/* -- JSON ---------------------------------------------------------------------------------- */

static void add_real(struct doc *d, const char *name, double n)
{
	char text[40];

	snprintf(text, sizeof text, "%.1f", n);
	doc_json(d, name, n < 0 ? span_of(NULL) : span_of(text));
}

static void add_rate_limit(struct doc *d, const struct drover_job_info *job)
{
	char text[32];

	units_format_rate(job->rate_items, job->rate_per_ms, text);
	doc_text(d, "rate_limit", job->rate_items > 0 ? span_of(text) : span_of(NULL));
}

static void add_part(struct doc *d, const struct drover_part *p)
{
	doc_open(d, NULL, '{');
	doc_number(d, "part", p->part);
	doc_text(d, "state", cli_span(p->state));
	doc_number(d, "first", p->first < 0 ? -1 : p->first + 1);
	doc_number(d, "last", p->end);
	doc_number(d, "number", p->number);
	doc_text(d, "cursor", cli_span(p->cursor));
	doc_number(d, "done", p->done);
	doc_number(d, "errors", p->errors);
	add_real(d, "rate", p->speed);
	doc_time(d, "at", p->at_ms);
	doc_close(d, '}');
}

void jobs_add_each_doc(struct doc *d, const struct drover_job_info *job)
{
	doc_number(d, "errors", job->errors);
	add_real(d, "rate", job->speed);
	add_rate_limit(d, job);
	doc_number(d, "eta_ms", job->eta_ms);
	doc_text(d, "cursor", cli_span(job->cursor));
	doc_text(d, "reason", cli_span(job->reason));
	doc_time(d, "pause_at", job->pause_ms);
	doc_text(d, "csv", cli_span(job->csv));
	doc_number(d, "round", job->round);
	doc_open(d, "parts", '[');
	for (size_t i = 0; i < job->n_parts; i++)
		add_part(d, &job->parts[i]);
	doc_close(d, ']');
}

/* -- for people ---------------------------------------------------------------------------- */

static void add_rate(struct text *out, const struct drover_job_info *job)
{
	struct text words = {0};
	char number[32];

	if (job->speed > 0)
		text_add_str(&words, jobs_say_speed(job->speed, number));
	if (job->rate_items > 0)
		text_addf(&words, "%sat most %s", words.len ? ", " : "",
			units_format_rate(job->rate_items, job->rate_per_ms, number));
	jobs_add_line(out, "rate", (struct span){words.data, words.len});
	text_fini(&words);
}

void jobs_add_each_lines(struct text *out, const struct drover_job_info *job)
{
	struct text words = {0};
	char age[32];

	jobs_say_progress(&words, job);
	jobs_add_line(out, "done", (struct span){words.data, words.len});
	text_fini(&words);
	jobs_add_number(out, "items failed", job->errors);
	add_rate(out, job);
	if (job->eta_ms >= 0)
		jobs_add_line(out, "left", span_of(show_age(job->eta_ms, age)));
	if (job->pause_ms >= 0)
		jobs_add_line(out, "wanted", SPAN_LIT("paused"));
	jobs_add_line(out, "reason", cli_span(job->reason));
	jobs_add_line(out, "cursor", cli_span(job->cursor));
	jobs_add_line(out, "csv", cli_span(job->csv));
	if (job->round > 0)
		jobs_add_number(out, "retry round", job->round);
}

static void add_row(struct table *t, const struct drover_part *p)
{
	char items[64] = "", speed[32];

	if (p->first >= 0 && p->end >= 0)
		snprintf(items, sizeof items, "%lld..%lld", p->first + 1, p->end);
	else if (p->first >= 0)
		snprintf(items, sizeof items, "%lld..", p->first + 1);
	table_add_number(t, p->part);
	table_add(t, cli_span(p->state));
	table_add_str(t, items);
	table_add_number(t, p->number);
	table_add_number(t, p->done);
	table_add_number(t, p->errors);
	table_add_str(t, jobs_say_speed(p->speed, speed));
	table_add(t, cli_span(p->cursor));
}

void jobs_add_parts(struct cli *cli, const struct drover_job_info *job)
{
	static const struct table_column columns[] = {{"PART", true}, {"STATE", false},
		{"ITEMS", false}, {"AT", true}, {"DONE", true}, {"FAILED", true}, {"RATE", true},
		{"CURSOR", false}};
	struct table table;

	if (job->n_parts == 0 || job->parts[0].part == 0)
		return;
	table_init(&table, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < job->n_parts; i++)
		add_row(&table, &job->parts[i]);
	text_add_char(&cli->out, '\n');
	cli_add_table(cli, &table);
}
