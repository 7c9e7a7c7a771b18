/* drover enqueue QUEUE CLASS [ARG...]: prints the jid; with --wait, stays until it is done. */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/units.h"
#include "cli/jobs.h"
#include "cli/judge.h"

#define POLL_FIRST_MS 50
#define POLL_MOST_MS  500
#define REDIS_AWAY_MS 30000 /* how long a Redis that is away is waited for */

static const struct args_option options[] = {
	{"--args", ARGS_VALUE, "JSON", "the arguments, a JSON array"},
	{"--in", ARGS_VALUE, "DURATION", "not before so long from now"},
	{"--at", ARGS_VALUE, "TIME", "not before this time, RFC 3339 or epoch seconds"},
	{"--id", ARGS_VALUE, "KEY", "a request id: the same one is always the same job"},
	{"--wait", ARGS_MAYBE, "DURATION", "until the job has ended, or so long (30s, 10m)"},
	{"--durable", ARGS_FLAG, NULL, "wait for replicas and disk, and say how safe it is"},
	{0},
};

/* -- arguments ----------------------------------------------------------------------------- */

static int make_args(const struct args *args, struct text *out)
{
	const char *json = args_value(args, "--args");

	if (json && args->n_words > 2)
		return cli_fail(
			CLI_USAGE, "arguments stand in --args or behind the class, not both");
	if (json) {
		text_add_str(out, json);
		return CLI_OK;
	}
	text_add_char(out, '[');
	for (size_t i = 2; i < args->n_words; i++) {
		if (!utf8_valid(span_of(args->words[i])))
			return cli_fail(CLI_USAGE, "argument %zu is not UTF-8", i - 1);
		text_add_str(out, i > 2 ? "," : "");
		text_add_json(out, span_of(args->words[i]));
	}
	text_add_char(out, ']');
	return CLI_OK;
}

/* -- waiting ------------------------------------------------------------------------------- */

struct ending {
	struct cli *cli;
	bool over;
	int code;
	struct text why; /* of a failure */
	struct doc doc;
};

static void look(void *ctx, const struct drover_job_info *job)
{
	struct ending *e = ctx;
	struct span state = cli_span(job->state);
	bool done = span_is(state, "done");

	text_clear(&e->doc.text);
	e->doc.more = false;
	jobs_add_doc(&e->doc, job);
	e->over = done || span_is(state, "failed") || span_is(state, "cancelled");
	e->code = done ? CLI_OK : CLI_ERROR;
	if (!e->over || done)
		return;
	text_clear(&e->why);
	text_add_span(&e->why, state);
	if (job->exception.len)
		text_add_str(&e->why, ": ");
	text_add_span(&e->why, cli_span(job->exception));
	if (job->error.len)
		text_add_str(&e->why, ": ");
	text_add_span(&e->why, cli_span(job->error));
}

static void sleep_ms(int64_t ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* The record is only read, so a Redis that goes away is asked again. */
static int wait_for_end(struct ending *e, const char *jid, int64_t most_ms)
{
	int64_t begin = clock_mono_ms(), answered = begin, pause = POLL_FIRST_MS;

	for (;;) {
		struct drover_error error;
		int rc = drover_job_find_run(e->cli->client, jid, look, e, &error);
		int64_t now = clock_mono_ms(),
			left = most_ms == UNITS_NONE ? pause : begin + most_ms - now;

		if (rc < 0 && error.kind == DROVER_E_NOT_FOUND)
			return cli_fail(CLI_WAIT_ERROR,
				"there is no record of %s: nobody can say how it ended", jid);
		if (rc < 0 && error.kind != DROVER_E_UNREACHABLE)
			return cli_fail(CLI_WAIT_ERROR, "%s", error.text);
		if (rc < 0 && now - answered > REDIS_AWAY_MS)
			return cli_fail_client(&error);
		answered = rc == 0 ? now : answered;
		if (rc == 0 && e->over)
			return e->code;
		if (left <= 0)
			return cli_fail(CLI_TIME_OVER, "%s has not ended in time", jid);
		sleep_ms(pause < left ? pause : left);
		pause = pause * 3 / 2 < POLL_MOST_MS ? pause * 3 / 2 : POLL_MOST_MS;
	}
}

static int wait_and_say(struct cli *cli, const char *jid, int64_t most_ms)
{
	struct ending e = {.cli = cli};
	int code = wait_for_end(&e, jid, most_ms);

	if (e.over && e.why.len)
		cli_fail(0, "%s %.*s", jid, (int)e.why.len, e.why.data);
	if (cli->json && e.doc.text.len)
		cli_add_doc(cli, &e.doc);
	text_fini(&e.doc.text);
	text_fini(&e.why);
	return code;
}

/* -- the verb ------------------------------------------------------------------------------ */

static int read_wait(const struct args *args, int64_t *most_ms)
{
	const char *text = args_value(args, "--wait");

	*most_ms = UNITS_NONE;
	if (text && units_parse_duration(text, most_ms) < 0)
		return cli_fail(CLI_USAGE, "--wait=%s is no duration such as 30s or 10m", text);
	return CLI_OK;
}

static int read_in(const char *text, long long *in_ms)
{
	int64_t ms;

	if (units_parse_duration(text, &ms) < 0 || ms == UNITS_NONE)
		return cli_fail(CLI_USAGE, "--in %s is no duration such as 30s or 10m", text);
	*in_ms = ms;
	return CLI_OK;
}

static int read_at(const char *text, long long *at_ms)
{
	long long seconds = args_number(text);
	int64_t ms = seconds * 1000;

	if (seconds < 0 && clock_parse_rfc3339(text, &ms) < 0)
		return cli_fail(CLI_USAGE,
			"--at %s is no time such as 2026-11-21T19:26:23Z, nor epoch seconds", text);
	*at_ms = ms > 0 ? ms : 1;
	return CLI_OK;
}

/* What the configuration says of the class counts as well. */
static int read_request(const struct cli *cli, struct drover_request *r)
{
	const char *in = args_value(&cli->args, "--in"), *at = args_value(&cli->args, "--at");
	const struct conf_class *class_conf = conf_find_class(cli->conf, span_of(r->class_name));

	r->id = args_value(&cli->args, "--id");
	r->durable = args_has(&cli->args, "--durable");
	r->track = args_has(&cli->args, "--wait");
	if (class_conf) {
		r->track = r->track || class_conf->track;
		r->unique = class_conf->unique;
		r->unique_for_ms = class_conf->unique_for_ms;
	}
	if (in && at)
		return cli_fail(CLI_USAGE, "either --in or --at, not both");
	if (in)
		return read_in(in, &r->in_ms);
	return at ? read_at(at, &r->at_ms) : CLI_OK;
}

static void add_durable(struct doc *doc, const struct drover_durable *d, bool confirmed)
{
	doc_open(doc, "durable", '{');
	doc_bool(doc, "confirmed", confirmed);
	doc_number(doc, "replicas", d->replicas);
	doc_number(doc, "replicas_received", d->replicas_received);
	doc_number(doc, "replicas_on_disk", d->replicas_on_disk);
	doc_json(doc, "on_disk",
		!d->same_connection || d->disk < 0 ? span_of(NULL)
		: d->disk			   ? SPAN_LIT("true")
						   : SPAN_LIT("false"));
	doc_close(doc, '}');
}

static void say_answer(struct cli *cli, const struct drover_enqueued *a, bool confirmed)
{
	static const char *const how[] = {[DROVER_ENQUEUED] = "enqueued",
		[DROVER_SAME_REQUEST] = "same-request",
		[DROVER_DUPLICATE] = "duplicate",
		[DROVER_OVERLAP] = "overlap"};
	struct doc doc = {0};

	if (!cli->json) {
		text_addf(&cli->out, "%s\n", a->jid);
		return;
	}
	doc_open(&doc, NULL, '{');
	doc_text(&doc, "jid", span_of(a->jid));
	doc_text(&doc, "how", span_of(how[a->how]));
	doc_text(&doc, "state", span_of(a->state));
	doc_time(&doc, "at", a->at_ms);
	if (a->durable.asked)
		add_durable(&doc, &a->durable, confirmed);
	doc_close(&doc, '}');
	cli_add_doc(cli, &doc);
}

/* Beside the jid, for people: what is not just "enqueued". */
static bool say_more(const struct drover_enqueued *a)
{
	const char *state = *a->state ? a->state : "not known how far";
	struct text words = {0};
	bool confirmed = !a->durable.asked || judge_durable(&a->durable, &words);

	if (a->how == DROVER_SAME_REQUEST)
		cli_fail(0, "this request was made before: its job %s is %s", a->jid, state);
	if (a->how == DROVER_DUPLICATE)
		cli_fail(0, "a duplicate, not enqueued: %s of this class and arguments is %s",
			a->jid, state);
	if (words.len)
		cli_fail(0, "%s", words.data);
	text_fini(&words);
	return confirmed;
}

static int enqueue(struct cli *cli, const struct drover_request *request, int64_t most_ms)
{
	bool wait = args_has(&cli->args, "--wait"), confirmed;
	struct drover_enqueued answer;
	struct drover_error error;

	if (drover_enqueue(cli->client, request, &answer, &error) < 0) {
		if (wait && error.kind == DROVER_E_REFUSED)
			return cli_fail(CLI_WAIT_ERROR, "%s", error.text);
		return cli_fail_client(&error);
	}
	confirmed = say_more(&answer);
	if (!wait || !cli->json)
		say_answer(cli, &answer, confirmed);
	if (!wait)
		return confirmed ? CLI_OK : CLI_TIME_OVER;
	if (cli_flush(cli) < 0) /* whoever reads the jid need not wait with us */
		return CLI_WAIT_ERROR;
	return wait_and_say(cli, answer.jid, most_ms);
}

static int run(struct cli *cli)
{
	struct drover_request request = {
		.queue = cli->args.words[0], .class_name = cli->args.words[1]};
	struct text args_json = {0};
	int64_t most_ms;
	int code = read_wait(&cli->args, &most_ms);

	if (code == CLI_OK)
		code = read_request(cli, &request);
	if (code == CLI_OK)
		code = make_args(&cli->args, &args_json);
	request.args = args_json.data;
	if (code == CLI_OK)
		code = enqueue(cli, &request, most_ms);
	text_fini(&args_json);
	return code;
}

const struct cli_verb verb_enqueue = {.name = "enqueue",
	.synopsis = "QUEUE CLASS [ARG...]",
	.summary = "put a job at the end of a queue, now or later; prints its jid",
	.words_min = 2,
	.words_max = CLI_WORDS_ANY,
	.options = options,
	.run = run};
