/*
 * conf/yaml: the only file that knows libyaml; makes the tree of node.h from its events. Any
 * process; no I/O. It must stop at the depth limit, since libyaml itself needs time that grows
 * with the square of the depth.
 */
#include "conf/node.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/must.h"

struct builder {
	const char *file;
	struct conf_faults *faults;
	struct conf_node *root;
	struct conf_node *open; /* innermost list or map that is not closed */
	unsigned depth;
	char *key; /* of the next value in `open`; NULL: the next event is a key */
	unsigned key_line;
	bool done;
};

static unsigned line_of(yaml_mark_t mark)
{
	return (unsigned)mark.line + 1;
}

/* `node` is where it happens: the innermost that is open. */
static void fault(struct builder *b, unsigned line, const char *sentence)
{
	struct text path = {0};

	if (b->open)
		conf_node_add_path(&path, b->open);
	if (b->key) {
		if (b->open && b->open->parent)
			text_add_char(&path, '.');
		else
			text_clear(&path);
		text_add_str(&path, b->key);
	}
	conf_fault_add(
		b->faults, b->file, line, path.data ? path.data : "top level", "%s", sentence);
	text_fini(&path);
}

static struct conf_node *add_node(struct builder *b, enum conf_node_kind kind, unsigned line)
{
	struct conf_node *n = must_alloc(sizeof *n);

	n->kind = kind;
	n->file = b->file;
	n->parent = b->open;
	n->line = b->key ? b->key_line : line;
	n->key = b->key;
	b->key = NULL;
	if (!b->open) {
		b->root = n;
		return n;
	}
	if (b->open->n == b->open->cap) {
		b->open->cap = b->open->cap ? b->open->cap * 2 : 4;
		b->open->items =
			must_realloc(b->open->items, b->open->cap * sizeof(struct conf_node *));
	}
	b->open->items[b->open->n++] = n;
	return n;
}

static bool wants_key(const struct builder *b)
{
	return b->open && b->open->kind == CONF_NODE_MAP && !b->key;
}

/* What YAML can do and a configuration is the clearer without. */
static const char *ornament(const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return "has an anchor (&), allowed are plain values without";
	if (tag)
		return "has a tag (!), allowed are plain values without; write in quotes what "
		       "begins with !";
	return NULL;
}

static void take_key(struct builder *b, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	const char *wrong = ornament(e->data.scalar.anchor, e->data.scalar.tag);

	if (wrong)
		fault(b, line_of(e->start_mark), wrong);
	else if (len == 0)
		fault(b, line_of(e->start_mark), "has an empty key, allowed are names");
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] >= ' ' && text[i] != 0x7f)
			continue;
		fault(b, line_of(e->start_mark),
			"has a control character in a key, allowed are names on one line");
		break;
	}
	if (len > CONF_KEY_MAX) {
		fault(b, line_of(e->start_mark), "has a key above 400 bytes");
		len = CONF_KEY_MAX;
	}
	b->key = must_strndup(text, strnlen(text, len));
	b->key_line = line_of(e->start_mark);
}

static void on_scalar(struct builder *b, const yaml_event_t *e)
{
	const char *wrong = ornament(e->data.scalar.anchor, e->data.scalar.tag);
	const char *text = (const char *)e->data.scalar.value;
	struct conf_node *n;

	if (wants_key(b)) {
		take_key(b, e);
		return;
	}
	if (!wrong && memchr(text, '\0', e->data.scalar.length))
		wrong = "holds a NUL, allowed is text without";
	if (wrong)
		fault(b, line_of(e->start_mark), wrong);
	n = add_node(b, wrong ? CONF_NODE_BROKEN : CONF_NODE_SCALAR, line_of(e->start_mark));
	n->text = must_strndup(text, e->data.scalar.length);
	n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	b->done = b->open == NULL;
}

static void on_alias(struct builder *b, const yaml_event_t *e)
{
	unsigned line = line_of(e->start_mark);

	fault(b, line,
		"is an alias (*), allowed are plain values; write in quotes what begins with *");
	if (wants_key(b)) {
		b->key = must_strdup("*");
		b->key_line = line;
		return;
	}
	add_node(b, CONF_NODE_BROKEN, line);
}

static void open_node(struct builder *b, enum conf_node_kind kind, const yaml_char_t *anchor,
	const yaml_char_t *tag, unsigned line)
{
	const char *wrong = ornament(anchor, tag);

	if (wrong)
		fault(b, line, wrong);
	if (wants_key(b)) {
		fault(b, line, "has a list or a map as a key, allowed are names");
		b->done = true;
		return;
	}
	if (b->depth == CONF_DEPTH_MAX) {
		fault(b, line, "is nested too deep, allowed are 16 levels");
		b->done = true;
		return;
	}
	b->depth++;
	b->open = add_node(b, kind, line);
}

static int compare_keys(const void *a, const void *b)
{
	const struct conf_node *x = *(struct conf_node *const *)a,
			       *y = *(struct conf_node *const *)b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Sorted, so that a large map of a hostile file does not take the square of its size. */
static void find_twins(struct builder *b, const struct conf_node *map)
{
	struct conf_node **sorted = must_alloc((map->n + 1) * sizeof(struct conf_node *));

	if (map->n > 0)
		memcpy(sorted, map->items, map->n * sizeof(struct conf_node *));
	qsort(sorted, map->n, sizeof *sorted, compare_keys);
	for (size_t i = 1; i < map->n; i++)
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
			conf_node_fault(b->faults, sorted[i],
				"is given twice, allowed is once; the other is in line %u",
				sorted[i - 1]->line);
	free(sorted);
}

static void close_node(struct builder *b)
{
	if (b->open->kind == CONF_NODE_MAP)
		find_twins(b, b->open);
	b->open = b->open->parent;
	b->depth--;
	b->done = b->done || b->open == NULL;
}

static void on_event(struct builder *b, const yaml_event_t *e)
{
	unsigned line = line_of(e->start_mark);

	switch (e->type) {
	case YAML_SCALAR_EVENT:
		on_scalar(b, e);
		break;
	case YAML_ALIAS_EVENT:
		on_alias(b, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		open_node(b, CONF_NODE_LIST, e->data.sequence_start.anchor,
			e->data.sequence_start.tag, line);
		break;
	case YAML_MAPPING_START_EVENT:
		open_node(b, CONF_NODE_MAP, e->data.mapping_start.anchor, e->data.mapping_start.tag,
			line);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_node(b);
		break;
	case YAML_STREAM_END_EVENT:
		b->done = true;
		break;
	default:
		break;
	}
}

static unsigned line_at(struct span text, size_t offset)
{
	unsigned line = 1;

	for (size_t i = 0; i < offset && i < text.len; i++)
		line += text.at[i] == '\n';
	return line;
}

static void on_error(struct builder *b, const yaml_parser_t *p, struct span text)
{
	struct text sentence = {0};
	unsigned line = line_of(p->problem_mark);
	const char *context = p->context ? p->context : "";

	if (p->error == YAML_READER_ERROR)
		line = line_at(text, p->problem_offset);
	text_addf(&sentence, "is no YAML: %s", p->problem ? p->problem : "out of memory");
	if (*context)
		text_addf(&sentence, " %s", context);
	if (strstr(context, "alias") || strstr(context, "tag"))
		text_add_str(&sentence, "; write in quotes what begins with * or !");
	fault(b, line, sentence.data);
	text_fini(&sentence);
}

/* One event; false at the end of the text or of what can be made of it. */
static bool step(struct builder *b, yaml_parser_t *p, struct span text)
{
	yaml_event_t e;

	if (!yaml_parser_parse(p, &e)) {
		on_error(b, p, text);
		return false;
	}
	on_event(b, &e);
	yaml_event_delete(&e);
	return !b->done;
}

/* Behind the document only its end and the end of the text may stand. */
static void check_end(struct builder *b, yaml_parser_t *p, struct span text)
{
	yaml_event_t e;
	yaml_event_type_t type = YAML_NO_EVENT;

	while (type != YAML_STREAM_END_EVENT && type != YAML_DOCUMENT_START_EVENT) {
		if (!yaml_parser_parse(p, &e)) {
			on_error(b, p, text);
			return;
		}
		type = e.type;
		if (type == YAML_DOCUMENT_START_EVENT)
			fault(b, line_of(e.start_mark), "is a second document, allowed is one");
		yaml_event_delete(&e);
	}
}

/* What is half read would only give rise to faults that are none. */
static void cut_off(struct builder *b)
{
	struct conf_node *section = b->open;

	b->root->cut = true;
	while (section->parent && section->parent->parent)
		section = section->parent;
	if (section->parent)
		section->kind = CONF_NODE_BROKEN;
}

static bool check_text(const char *file, struct span text, struct conf_faults *faults)
{
	size_t i = 0, n;

	if (text.len > CONF_FILE_MAX) {
		conf_fault_add(faults, file, 0, NULL, "is too large, allowed is 1 MiB");
		return false;
	}
	for (; i < text.len; i += n) {
		n = utf8_sequence(text.at + i, text.len - i);
		if (n > 0)
			continue;
		conf_fault_add(faults, file, line_at(text, i), NULL,
			"holds a byte that is no UTF-8, allowed is UTF-8");
		return false;
	}
	return true;
}

struct conf_node *conf_node_parse(const char *file, struct span text, struct conf_faults *faults)
{
	struct builder b = {.file = file, .faults = faults};
	size_t before = faults->n;
	yaml_parser_t p;

	if (!check_text(file, text, faults))
		return NULL;
	must(yaml_parser_initialize(&p));
	yaml_parser_set_input_string(&p, (const unsigned char *)(text.at ? text.at : ""), text.len);
	while (step(&b, &p, text))
		;
	if (b.open)
		cut_off(&b);
	if (b.root && !b.open && faults->n == before)
		check_end(&b, &p, text);
	yaml_parser_delete(&p);
	free(b.key);
	b.key = NULL;
	if (!b.root && faults->n == before)
		add_node(&b, CONF_NODE_MAP, 1);
	return b.root;
}
