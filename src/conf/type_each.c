/*
 * conf/type_each: a collection, `each`, and the one inside of another, `inner`; see type.h. What a
 * key of Redis holds is type_members.c's. Any process; pure.
 */
#include "conf/type.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/template.h"
#include "conf/conf.h"

/* So that the numbers of a range can be counted. */
#define FARTHEST INT64_C(999999999999999999)

/* -- range: FIRST..LAST -- */

static bool parse_bound(struct span text, int64_t *out)
{
	char s[24] = "";

	if (text.len >= sizeof s || memchr(text.at, '\0', text.len))
		return false;
	memcpy(s, text.at, text.len);
	return conf_parse_int(s, out) && *out >= -FARTHEST && *out <= FARTHEST;
}

int conf_parse_range(struct span text, int64_t *first, int64_t *last, struct err *err)
{
	const char *dots = text.len > 0 ? memmem(text.at, text.len, "..", 2) : NULL;
	size_t before = dots ? (size_t)(dots - text.at) : 0;

	if (!dots || !parse_bound((struct span){text.at, before}, first) ||
		!parse_bound((struct span){dots + 2, text.len - before - 2}, last))
		return err_set(err, "is no FIRST..LAST of whole numbers of at most 18 digits");
	return 0;
}

static void allow_range(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "FIRST..LAST such as 1..1000000, whole numbers of at most 18 digits, or "
			  "with {args.N} and {args.NAME} in it");
}

/*
 * One with placeholders is judged when there is a job to fill them in from. That is before its first
 * item, so that none can stand for an item.
 */
static bool read_range(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	struct conf_reader of_job = {r->faults, TEMPLATE_ARGS};
	const char *s = conf_scalar(n);
	int64_t first, last;
	struct err err;

	if (!s || !conf_type_template.read(&of_job, k, n, at))
		return false;
	return strchr(s, '{') || conf_parse_range(span_of(s), &first, &last, &err) == 0;
}

static void print_range(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	conf_type_template.print(k, at, p);
}

static const struct conf_type RANGE = {
	.allow = allow_range, .read = read_range, .print = print_range};

/* -- step: which way a range goes, and how far at a time -- */

static void allow_step(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "a whole number that is not 0, below it for a range that goes down");
}

static bool read_step(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	int64_t *step = at;

	return conf_type_count.read(r, k, n, at) && *step != 0;
}

static void print_step(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	conf_type_count.print(k, at, p);
}

static const struct conf_type STEP = {.allow = allow_step, .read = read_step, .print = print_step};

/* -- separator: a byte; a tab has a name besides -- */

static void allow_separator(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "one byte such as \";\", no quote and no line end, or tab");
}

static bool read_separator(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	const char *s = conf_scalar(n);
	bool tab = s && (strcmp(s, "tab") == 0 || strcmp(s, "\\t") == 0);

	(void)r;
	(void)k;
	if (!s || (!tab && (strlen(s) != 1 || strchr("\"\r\n", *s))))
		return false;
	*(int *)at = tab ? '\t' : (unsigned char)*s;
	return true;
}

static void print_separator(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const char s[] = {(char)*(const int *)at, '\0'};

	(void)k;
	conf_print_text(p->out, *s == '\t' ? "tab" : s);
}

static const struct conf_type SEPARATOR = {
	.allow = allow_separator, .read = read_separator, .print = print_separator};

/* -- the map -- */

#define AT(member) offsetof(struct conf_each, member)
static const struct conf_key COLLECTIONS[] = {
	/* in the order of enum conf_each_kind, from CONF_EACH_RANGE on */
	{"range", &RANGE, AT(text), 1, 0, 0, NULL},
	{"lines", &conf_type_template, AT(text), 1, 0, 0, NULL},
	{"json", &conf_type_template, AT(text), 1, 0, 0, NULL},
	{"csv", &conf_type_template, AT(text), 1, 0, 0, NULL},
	{"redis", &conf_type_members, 0, 0, 0, 0, NULL},
	{"command", &conf_type_templates, AT(command), 0, 0, 0, NULL},
	{0},
};

static const struct option {
	struct conf_key key;
	enum conf_each_kind of;
} OPTIONS[] = {
	{{"step", &STEP, AT(step), -FARTHEST, FARTHEST, 0, NULL}, CONF_EACH_RANGE},
	{{"separator", &SEPARATOR, AT(separator), 0, 0, 0, NULL}, CONF_EACH_CSV},
};
#undef AT

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const ALSO[] = {"step", "separator", "inner", NULL};
static const char *const ALSO_INSIDE[] = {"step", "separator", NULL};

static const struct conf_key *row_of(const struct conf_each *each)
{
	return &COLLECTIONS[each->kind - CONF_EACH_RANGE];
}

static void read_options(struct conf_reader *r, const struct conf_node *n, struct conf_each *each)
{
	for (size_t i = 0; i < COUNT(OPTIONS); i++) {
		const struct option *o = &OPTIONS[i];
		const struct conf_node *value = conf_node_get(n, o->key.name);

		if (value && each->kind == o->of)
			conf_key_read(r, &o->key, value, each);
		else if (value)
			conf_node_fault(r->faults, value,
				"has no meaning here, allowed is it beside %s",
				COLLECTIONS[o->of - CONF_EACH_RANGE].name);
	}
}

static void read_collection(struct conf_reader *r, const struct conf_node *n,
	const char *const *also, struct conf_each *each)
{
	const struct conf_key *chosen;

	if (!conf_section_check(r, COLLECTIONS, also, n))
		return;
	each->step = 1;
	each->separator = ',';
	chosen = conf_section_choose(r, COLLECTIONS, n, each);
	if (!chosen)
		return;
	each->kind = (enum conf_each_kind)(chosen - COLLECTIONS) + CONF_EACH_RANGE;
	read_options(r, n, each);
}

static void allow_each(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "a map with one collection, such as {range: 1..1000} or {csv: PATH}");
}

static void fini_each(const struct conf_key *k, void *at)
{
	struct conf_each *each = at;

	if (each->inner)
		fini_each(k, each->inner);
	if (each->redis)
		conf_type_members.fini(k, each);
	conf_list_free(each->command);
	free(each->text);
	free(each->inner);
	*each = (struct conf_each){0};
}

/* What is in Redis is handed to a child as one stream, which was begun before its first item. */
static void read_inner(struct conf_reader *r, const struct conf_node *n, struct conf_each *inner)
{
	if (n->kind != CONF_NODE_MAP) {
		conf_node_fault(r->faults, n,
			"is no map, allowed is a map such as {lines: \"{item.path}\"}");
		return;
	}
	r->placeholders = TEMPLATE_ARGS | TEMPLATE_ITEM;
	read_collection(r, n, ALSO_INSIDE, inner);
	if (inner->kind == CONF_EACH_REDIS)
		conf_node_fault(r->faults, conf_node_get(n, "redis"),
			"stands inside of another collection, allowed is it as the outer one");
}

static bool read_each(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	struct conf_each *each = at;
	const struct conf_node *inner = conf_node_get(n, "inner");

	fini_each(k, at);
	if (n->kind != CONF_NODE_MAP)
		return false;
	r->placeholders = TEMPLATE_ARGS;
	read_collection(r, n, ALSO, each);
	if (!inner)
		return true;
	each->inner = must_alloc(sizeof *each->inner);
	read_inner(r, inner, each->inner);
	return true;
}

static void print_each(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const struct conf_each *each = at;
	const struct conf_key *row = row_of(each);

	text_addf(p->out, "{%s: ", row->name);
	conf_key_print(row, each, p);
	for (size_t i = 0; i < COUNT(OPTIONS); i++) {
		if (each->kind != OPTIONS[i].of)
			continue;
		text_addf(p->out, ", %s: ", OPTIONS[i].key.name);
		conf_key_print(&OPTIONS[i].key, each, p);
	}
	if (each->inner) {
		text_add_str(p->out, ", inner: ");
		print_each(k, each->inner, p);
	}
	text_add_char(p->out, '}');
}

/* It is in no `defaults`, hence never copied. */
const struct conf_type conf_type_each = {
	.allow = allow_each, .read = read_each, .print = print_each, .fini = fini_each};
