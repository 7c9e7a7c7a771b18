/* cli/request: see request.h. */
#include "base/clock.h"
#include "base/units.h"
#include "cli/judge.h"
#include "cli/request.h"
#include "conf/conf.h"

int request_make_args(const struct args *args, size_t first, struct text *out)
{
	const char *json = args_value(args, "--args");

	if (json && args->n_words > first)
		return cli_fail(
			CLI_USAGE, "arguments stand in --args or behind the class, not both");
	if (json) {
		text_add_str(out, json);
		return CLI_OK;
	}
	text_add_char(out, '[');
	for (size_t i = first; i < args->n_words; i++) {
		if (!utf8_valid(span_of(args->words[i])))
			return cli_fail(CLI_USAGE, "argument %zu is not UTF-8", i - first + 1);
		text_add_str(out, i > first ? "," : "");
		text_add_json(out, span_of(args->words[i]));
	}
	text_add_char(out, ']');
	return CLI_OK;
}

/* -- what is asked for --------------------------------------------------------------------- */

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
int request_read(const struct cli *cli, struct drover_request *r)
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

/* -- which items -------------------------------------------------------------------------- */

static int read_number(const struct args *args, const char *option, long long least, long long *n)
{
	const char *text = args_value(args, option);

	if (!text)
		return CLI_OK;
	*n = args_number(text);
	if (*n >= least)
		return CLI_OK;
	return cli_fail(CLI_USAGE, "%s needs a number, %lld or more, not %s", option, least, text);
}

int request_read_window(const struct args *args, struct drover_each *each)
{
	const struct {
		const char *option;
		long long least, *into;
	} numbers[] = {{"--from", 0, &each->from}, {"--to", 0, &each->to},
		{"--limit", 1, &each->limit}, {"--parallel", 1, &each->parallel}};
	int code = CLI_OK;

	for (size_t i = 0; code == CLI_OK && i < sizeof numbers / sizeof *numbers; i++)
		code = read_number(args, numbers[i].option, numbers[i].least, numbers[i].into);
	if (code == CLI_OK && each->parallel > CONF_PARALLEL_MOST)
		return cli_fail(CLI_USAGE, "--parallel is at most %d", CONF_PARALLEL_MOST);
	if (code == CLI_OK && each->to >= 0 && each->from > each->to)
		return cli_fail(CLI_USAGE, "nothing is from %lld to %lld", each->from, each->to);
	return code;
}

/* -- what came of it ----------------------------------------------------------------------- */

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

int request_enqueue(
	struct cli *cli, const struct drover_request *request, struct drover_enqueued *answer)
{
	bool wait = args_has(&cli->args, "--wait");
	struct drover_error error;

	if (drover_enqueue(cli->client, request, answer, &error) < 0) {
		if (wait && error.kind == DROVER_E_REFUSED)
			return cli_fail(CLI_WAIT_ERROR, "%s", error.text);
		return cli_fail_client(&error);
	}
	return CLI_OK;
}

int request_finish(struct cli *cli, const struct drover_enqueued *answer, int64_t most_ms,
	wait_look_fn *look, void *ctx)
{
	bool wait = args_has(&cli->args, "--wait"), confirmed = say_more(answer);

	if (!wait || !cli->json)
		say_answer(cli, answer, confirmed);
	if (!wait)
		return confirmed ? CLI_OK : CLI_TIME_OVER;
	if (cli_flush(cli) < 0) /* whoever reads the jid need not wait with us */
		return CLI_WAIT_ERROR;
	return wait_until_ended(cli, answer->jid, most_ms, look, ctx);
}
