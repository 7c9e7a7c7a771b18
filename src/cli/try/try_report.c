/* cli/try_report: see try.h. In drover. */
#include <string.h>

#include "cli/try/try.h"

enum { SHOWN = 5 };

struct verdict {
	long long repeated, skipped, not_reached;
	bool is_unheard, is_good;
};

/* A blow that falls between the end of an item and its mark is no fault of the job's. */
static struct verdict judge(const struct try *t)
{
	const struct try_ledger *l = &t->ledger;
	bool is_done = span_is((struct span){t->state.data, t->state.len}, "done");
	struct verdict v = {.repeated = try_ledger_repeated(l),
		.skipped = is_done ? try_ledger_skipped(l) : 0,
		.not_reached = is_done ? 0 : try_ledger_skipped(l)};

	v.is_unheard = t->class->handler != CONF_HANDLER_EACH && !l->cursors;
	v.is_good = is_done && v.repeated <= (l->cursors ? 0 : t->kills) && v.skipped == 0 &&
		    l->backwards == 0 && l->after_stop == 0 && l->malformed == 0 &&
		    t->lines_ignored == 0 && !t->buffers && !v.is_unheard;
	return v;
}

/* -- for people ---------------------------------------------------------------------------- */

static void add_items(struct text *out, const struct try_ledger *l, bool repeated)
{
	int shown = 0;

	for (size_t i = 0; i < l->n && shown < SHOWN; i++) {
		const struct try_entry *e = &l->entries[i];

		if (repeated ? e->ended <= e->wanted : e->ended >= e->wanted)
			continue;
		text_addf(out, "  %s: ", l->cursors ? "cursor" : "item");
		if (!l->cursors)
			text_addf(out, "%lld ", e->number);
		text_add_json(out, (struct span){e->text.data, e->text.len});
		text_addf(out, repeated ? ", %lld times\n" : "\n", e->ended);
		shown++;
	}
}

static void add_failures(struct text *out, const struct try_ledger *l)
{
	for (size_t i = 0; i < l->n_failures; i++) {
		text_addf(out, "  item %lld, %s: ", l->failures[i].number, l->failures[i].step);
		text_add_json(out, (struct span){l->failures[i].why.data, l->failures[i].why.len});
		text_add_char(out, '\n');
	}
	if (l->malformed > 0)
		text_addf(out, "%lld answers were none of ok, skip, retry, fail, abort\n",
			l->malformed);
}

static void add_hints(struct text *out, const struct try *t, const struct verdict *v)
{
	const struct try_ledger *l = &t->ledger;

	if (t->buffers)
		text_add_str(out, "the filter keeps its answers back: it must flush each line, or "
				  "be given filter_tty\n");
	if (v->is_unheard)
		text_add_str(out, "it never said where it is: a stop would end it in the middle, "
				  "and it would begin anew\n");
	if (l->backwards > 0)
		text_addf(out, "%lld cursors were before one that had been said\n", l->backwards);
	if (l->after_stop > 0)
		text_addf(out, "it went on %lld times after it was told to stop\n", l->after_stop);
	if (l->cursors && (v->repeated > 0 || v->skipped > 0))
		text_add_str(out, "does it go on right behind DROVER_CURSOR?\n");
	else if (v->repeated > t->kills || v->skipped > 0)
		text_add_str(out, "is the collection in the same order each time, and does its "
				  "command begin behind DROVER_CURSOR?\n");
}

static void add_counts(struct text *out, const struct try *t, const struct verdict *v)
{
	const struct try_ledger *l = &t->ledger;

	text_addf(out, "%s: %s\n", t->class_name, t->state.data);
	if (t->trouble.len > 0)
		text_addf(out, "  %s\n", t->trouble.data);
	text_addf(out, "stopped %lld times, killed %lld times\n", t->interruptions, t->kills);
	if (v->is_unheard)
		return;
	if (l->cursors)
		text_addf(out, "%lld cursors: ", l->done);
	else
		text_addf(out, "%lld items: %lld done, %lld set aside, ", t->total, l->done,
			l->aside);
	text_addf(out, "%lld repeated, %lld skipped", v->repeated, v->skipped);
	if (v->not_reached > 0)
		text_addf(out, ", %lld not reached", v->not_reached);
	text_add_char(out, '\n');
	if (l->tried_again > 0 || l->cut_off > 0)
		text_addf(out, "%lld tried again, %lld begun again after their process had died\n",
			l->tried_again, l->cut_off);
}

static void say_text(struct try *t, const struct verdict *v)
{
	struct text *out = &t->cli->out;
	const struct try_ledger *l = &t->ledger;

	add_counts(out, t, v);
	if (v->repeated > 0) {
		text_add_str(out, "repeated:\n");
		add_items(out, l, true);
	}
	if (v->skipped > 0 && !l->cursors) {
		text_add_str(out, "skipped:\n");
		add_items(out, l, false);
	}
	add_failures(out, l);
	add_hints(out, t, v);
}

/* -- for programs -------------------------------------------------------------------------- */

static void add_list(struct doc *doc, const char *name, const struct try_ledger *l, bool repeated)
{
	doc_open(doc, name, '[');
	for (size_t i = 0; i < l->n; i++) {
		const struct try_entry *e = &l->entries[i];

		if (repeated ? e->ended <= e->wanted : e->ended >= e->wanted)
			continue;
		doc_open(doc, NULL, '{');
		doc_number(doc, "number", e->number);
		doc_text(doc, l->cursors ? "cursor" : "item",
			(struct span){e->text.data, e->text.len});
		doc_number(doc, "performed", e->ended);
		doc_number(doc, "wanted", e->wanted);
		doc_close(doc, '}');
	}
	doc_close(doc, ']');
}

static void add_numbers(struct doc *doc, const struct try *t, const struct verdict *v)
{
	const struct try_ledger *l = &t->ledger;
	const struct {
		const char *name;
		long long n;
	} numbers[] = {{"stops", t->interruptions}, {"kills", t->kills}, {"total", t->total},
		{"done", l->done}, {"set_aside", l->aside}, {"repeated", v->repeated},
		{"skipped", v->skipped}, {"not_reached", v->not_reached},
		{"tried_again", l->tried_again}, {"begun_again", l->cut_off},
		{"malformed", l->malformed}, {"backwards", l->backwards},
		{"after_stop", l->after_stop}, {"lines_ignored", t->lines_ignored}};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		doc_number(doc, numbers[i].name, numbers[i].n);
}

/* What was not reached is not left out: it would be a list of nearly all. */
static const struct try_ledger NOTHING;

static void say_doc(struct try *t, const struct verdict *v)
{
	struct doc doc = {0};

	doc_open(&doc, NULL, '{');
	doc_text(&doc, "class", span_of(t->class_name));
	doc_text(&doc, "state", (struct span){t->state.data, t->state.len});
	doc_text(&doc, "error", (struct span){t->trouble.data, t->trouble.len});
	doc_bool(&doc, "good", v->is_good);
	add_numbers(&doc, t, v);
	doc_bool(&doc, "buffers", t->buffers);
	doc_bool(&doc, "says_cursors", t->ledger.cursors);
	add_list(&doc, "repeated_items", &t->ledger, true);
	add_list(&doc, "skipped_items", v->not_reached > 0 ? &NOTHING : &t->ledger, false);
	doc_close(&doc, '}');
	cli_add_doc(t->cli, &doc);
}

int try_report(struct try *t)
{
	struct verdict v = judge(t);

	(t->cli->json ? say_doc : say_text)(t, &v);
	return v.is_good ? CLI_OK : CLI_ERROR;
}
