/* drover schedule [list | fire NAME]: what the configuration at hand has for the times to come. */
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/show.h"

static const struct table_column columns[] = {{"NAME", false}, {"CRON", false}, {"ZONE", false},
	{"NEXT", false}, {"IN", true}, {"LAST FIRED", false}, {"QUEUE", false}, {"CLASS", false}};

/* -- list ---------------------------------------------------------------------------------- */

static const char *const catch_up_names[] = {
	[CONF_CATCH_UP_NONE] = "none", [CONF_CATCH_UP_LAST] = "last", [CONF_CATCH_UP_ALL] = "all"};

static long long find_next_ms(const struct conf_schedule *s)
{
	int64_t next_s = cron_next(&s->cron, s->zone, clock_wall_ms() / 1000);

	return next_s < 0 ? DROVER_UNKNOWN : next_s * 1000;
}

/* What Redis has is first the moment at which the name was seen there: no time of the schedule. */
static long long only_fired_ms(const struct conf_schedule *s, long long last_ms)
{
	int64_t last_s = last_ms / 1000;

	return last_ms >= 0 && cron_next(&s->cron, s->zone, last_s - 1) == last_s ? last_ms
										  : DROVER_UNKNOWN;
}

static void add_doc(
	struct doc *d, const struct conf_schedule *s, long long next_ms, long long last_ms)
{
	doc_open(d, NULL, '{');
	doc_text(d, "name", span_of(s->name));
	doc_text(d, "cron", span_of(s->cron_text));
	doc_text(d, "timezone", span_of(s->timezone));
	doc_time(d, "next_at", next_ms);
	doc_time(d, "last_at", last_ms);
	doc_text(d, "class", span_of(s->class_name));
	doc_text(d, "queue", span_of(s->queue));
	doc_json(d, "args", span_of(s->args_json));
	doc_text(d, "catch_up", span_of(catch_up_names[s->catch_up]));
	doc_close(d, '}');
}

/* By the clocks of its own zone, with the offset: people wrote the text for those. */
static void add_time(struct table *table, const struct conf_schedule *s, long long wall_ms)
{
	char utc[CLOCK_TEXT_SIZE];
	struct text local = {0};
	long long offset_s, minutes;

	if (wall_ms < 0) {
		table_add_str(table, NULL);
		return;
	}
	offset_s = zone_stretch_at(s->zone, wall_ms / 1000).offset_s;
	minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
	clock_iso_second(wall_ms + offset_s * 1000, utc);
	text_add(&local, utc, strlen(utc) - 1);
	if (offset_s == 0)
		text_add_char(&local, 'Z');
	else
		text_addf(&local, "%c%02lld:%02lld", offset_s < 0 ? '-' : '+', minutes / 60,
			minutes % 60);
	table_add(table, (struct span){local.data, local.len});
	text_fini(&local);
}

static void add_row(
	struct table *table, const struct conf_schedule *s, long long next_ms, long long last_ms)
{
	char age[32];

	table_add_str(table, s->name);
	table_add_str(table, s->cron_text);
	table_add_str(table, s->timezone);
	add_time(table, s, next_ms);
	table_add_str(table, show_age(next_ms < 0 ? -1 : next_ms - clock_wall_ms(), age));
	add_time(table, s, last_ms);
	table_add_str(table, s->queue);
	table_add_str(table, s->class_name);
}

static int list(struct cli *cli)
{
	struct cli_list all;
	struct drover_error error;
	int got = 0;

	cli_list_open(&all, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; got == 0 && i < cli->conf->n_schedules; i++) {
		const struct conf_schedule *s = &cli->conf->schedules[i];
		long long last_ms = DROVER_UNKNOWN, next_ms = find_next_ms(s);

		got = drover_schedule_last(cli->client, s->name, &last_ms, &error);
		last_ms = only_fired_ms(s, last_ms);
		add_doc(&all.doc, s, next_ms, last_ms);
		add_row(&all.table, s, next_ms, last_ms);
	}
	return cli_list_close(&all, cli, got, &error);
}

/* -- fire ---------------------------------------------------------------------------------- */

static const struct conf_schedule *find(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_schedules; i++)
		if (strcmp(conf->schedules[i].name, name) == 0)
			return &conf->schedules[i];
	return NULL;
}

static void say(struct cli *cli, const char *name, const struct drover_enqueued *answer)
{
	struct doc doc = {0};

	if (answer->how != DROVER_ENQUEUED)
		cli_fail(0, "not fired: %s stands in its way", answer->jid);
	if (!cli->json) {
		text_addf(&cli->out, "%s\n", answer->jid);
		return;
	}
	doc_open(&doc, NULL, '{');
	doc_text(&doc, "name", span_of(name));
	doc_text(&doc, "jid", span_of(answer->jid));
	doc_bool(&doc, "fired", answer->how == DROVER_ENQUEUED);
	doc_close(&doc, '}');
	cli_add_doc(cli, &doc);
}

static void read_class(const struct conf_class *class_conf, struct drover_request *r)
{
	static const char *const overlap[] = {[CONF_OVERLAP_SKIP] = "skip",
		[CONF_OVERLAP_QUEUE_ONE] = "queue-one",
		[CONF_OVERLAP_REPLACE] = "replace"};

	if (!class_conf)
		return;
	r->track = class_conf->track;
	r->unique = class_conf->unique;
	r->unique_for_ms = class_conf->unique_for_ms;
	r->overlap = overlap[class_conf->overlap];
}

/* As a supervisor would, but that the times to come stay what they are. */
static int fire(struct cli *cli)
{
	const char *name = cli->args.n_words > 1 ? cli->args.words[1] : NULL;
	const struct conf_schedule *s = name ? find(cli->conf, name) : NULL;
	struct drover_request request = {0};
	struct drover_enqueued answer;
	struct drover_error error;

	if (!name)
		return cli_fail(CLI_USAGE, "usage: drover schedule fire NAME");
	if (!s)
		return cli_fail(CLI_NOT_FOUND, "the configuration has no schedule %s", name);
	request.queue = s->queue;
	request.class_name = s->class_name;
	request.args = s->args_json;
	request.tick_ms = clock_wall_ms() / 1000 * 1000;
	read_class(conf_find_class(cli->conf, span_of(s->class_name)), &request);
	if (drover_enqueue(cli->client, &request, &answer, &error) < 0)
		return cli_fail_client(&error);
	say(cli, name, &answer);
	return CLI_OK;
}

static int run(struct cli *cli)
{
	const char *what = cli->args.n_words ? cli->args.words[0] : "list";

	if (strcmp(what, "list") == 0 && cli->args.n_words <= 1)
		return list(cli);
	if (strcmp(what, "fire") == 0)
		return fire(cli);
	return cli_fail(CLI_USAGE, "usage: drover schedule %s", verb_schedule.synopsis);
}

const struct cli_verb verb_schedule = {.name = "schedule",
	.synopsis = "[list | fire NAME]",
	.summary = "scheduled jobs and their next times; or enqueue one of them now",
	.words_max = 2,
	.run = run};
