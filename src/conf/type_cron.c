/*
 * conf/type_cron: when a schedule fires, and by whose clocks; see type.h. Any process; reads files
 * of the time zone database.
 */
#include "conf/type.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "conf/conf.h"
#include "conf/load.h"

static void set(char **place, const char *s)
{
	char *copy = must_strdup(s);

	free(*place);
	*place = copy;
}

bool conf_schedule_set_zone(struct conf_schedule *schedule, const char *name, struct err *err)
{
	struct zone *zone = zone_find(name, err);

	if (!zone)
		return false;
	schedule->zone = zone;
	set(&schedule->timezone, name);
	return true;
}

/* -- cron -- */

static void allow_cron(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out,
		"a text of five or six fields such as \"*/15 * * * *\", or @daily and the like");
}

/* "is TEXT, which SENTENCE, allowed is ..." */
static void say(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n,
	const char *who, const struct err *err)
{
	struct text what = {0}, allowed = {0};

	conf_node_say(&what, n);
	k->type->allow(k, &allowed);
	conf_node_fault(r->faults, n, "is %s, %s %s, allowed is %s", what.data, who, err->text,
		allowed.data);
	text_fini(&what);
	text_fini(&allowed);
}

static bool read_cron(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	struct conf_schedule *schedule = at;
	const char *s = conf_scalar(n);
	const char *who = "which";
	struct err err;

	if (!s)
		return false;
	set(&schedule->cron_text, s);
	if (cron_parse(&schedule->cron, span_of(s), &err) == 0) {
		if (!*schedule->cron.zone || zone_find(schedule->cron.zone, &err))
			return true;
		who = "whose zone";
	}
	say(r, k, n, who, &err);
	schedule->cron = (struct cron){0}; /* nothing more is said about its zone */
	return true;
}

static void print_text(struct conf_printer *p, const char *s)
{
	conf_print_text(p->out, s ? s : "");
}

static void print_cron(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	(void)k;
	print_text(p, ((const struct conf_schedule *)at)->cron_text);
}

static void fini_cron(const struct conf_key *k, void *at)
{
	struct conf_schedule *schedule = at;

	(void)k;
	free(schedule->cron_text);
	schedule->cron_text = NULL;
}

const struct conf_type conf_type_cron = {
	.allow = allow_cron, .read = read_cron, .print = print_cron, .fini = fini_cron};

/* -- timezone -- */

static void allow_zone(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "UTC, an offset such as +05:30, or a name such as Europe/Berlin");
}

static bool read_zone(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	struct conf_schedule *schedule = at;
	const char *s = conf_scalar(n);
	struct err err;

	schedule->zone = NULL; /* so that nothing more is said about it */
	if (!s)
		return false;
	if (conf_schedule_set_zone(schedule, s, &err))
		return true;
	say(r, k, n, "which", &err);
	return true;
}

static void print_zone(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	(void)k;
	print_text(p, ((const struct conf_schedule *)at)->timezone);
}

static void fini_zone(const struct conf_key *k, void *at)
{
	struct conf_schedule *schedule = at;

	(void)k;
	free(schedule->timezone);
	schedule->timezone = NULL;
}

const struct conf_type conf_type_zone = {
	.allow = allow_zone, .read = read_zone, .print = print_zone, .fini = fini_zone};
