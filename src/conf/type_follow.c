/*
 * conf/type_follow: a job to be enqueued when another has ended, {class, queue, args}; see type.h.
 * Its arguments are any JSON value written as YAML, and kept as JSON. Any process; pure.
 */
#include "conf/type.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "conf/conf.h"

/* Digits behind `s`, at least one; NULL where there is none. */
static const char *skip_digits(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 ? s + n : NULL;
}

/* By the grammar of JSON. */
static bool is_number(const char *s)
{
	const char *start;

	s += *s == '-';
	start = s;
	s = skip_digits(s);
	if (!s || (*start == '0' && s > start + 1))
		return false;
	if (*s == '.')
		s = skip_digits(s + 1);
	if (s && (*s == 'e' || *s == 'E')) {
		s++;
		s = skip_digits(s + (*s == '-' || *s == '+'));
	}
	return s && *s == '\0';
}

static void add_scalar(struct text *out, const struct conf_node *n)
{
	if (n->kind == CONF_NODE_BROKEN || conf_node_is_null(n))
		text_add_str(out, "null");
	else if (n->plain && (is_number(n->text) || strcmp(n->text, "true") == 0 ||
				     strcmp(n->text, "false") == 0))
		text_add_str(out, n->text);
	else
		conf_quote(out, span_of(n->text));
}

static void add_json(struct text *out, const struct conf_node *n)
{
	bool map = n->kind == CONF_NODE_MAP;

	if (n->kind == CONF_NODE_SCALAR || n->kind == CONF_NODE_BROKEN) {
		add_scalar(out, n);
		return;
	}
	text_add_char(out, map ? '{' : '[');
	for (size_t i = 0; i < n->n; i++) {
		text_add_str(out, i > 0 ? ", " : "");
		if (map) {
			conf_quote(out, span_of(n->items[i]->key));
			text_add_str(out, ": ");
		}
		add_json(out, n->items[i]);
	}
	text_add_char(out, map ? '}' : ']');
}

static void allow_args(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "a list");
}

static bool read_args(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	char **place = at;
	struct text json = {0};

	(void)r;
	(void)k;
	if (n->kind != CONF_NODE_LIST)
		return false;
	add_json(&json, n);
	free(*place);
	*place = text_take(&json);
	return true;
}

/* JSON is YAML. */
static void print_args(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const char *json = *(char *const *)at;

	(void)k;
	text_add_str(p->out, json ? json : "[]");
}

static void own_args(const struct conf_key *k, void *at)
{
	char **place = at;

	(void)k;
	if (*place)
		*place = must_strdup(*place);
}

static void fini_args(const struct conf_key *k, void *at)
{
	char **place = at;

	(void)k;
	free(*place);
	*place = NULL;
}

const struct conf_type conf_type_args = {.allow = allow_args,
	.read = read_args,
	.print = print_args,
	.own = own_args,
	.fini = fini_args};

static const struct conf_key KEYS[] = {
	{"class", &conf_type_string, offsetof(struct conf_follow, class_name), 1, 256, 0, NULL},
	{"queue", &conf_type_string, offsetof(struct conf_follow, queue), 1, 256, CONF_KEY_NONE,
		NULL},
	{"args", &conf_type_args, offsetof(struct conf_follow, args_json), 0, 0, 0, NULL},
	{0},
};

static void allow_follow(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "a map {class: NAME, queue: NAME, args: [...]} with its class, or null");
}

static void fini_follow(const struct conf_key *k, void *at)
{
	struct conf_follow *follow = at;

	(void)k;
	free(follow->class_name);
	free(follow->queue);
	free(follow->args_json);
	*follow = (struct conf_follow){0};
}

static bool read_follow(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	fini_follow(k, at);
	if (conf_node_is_null(n))
		return true;
	if (!conf_node_get(n, "class"))
		return false;
	conf_section_read(r, KEYS, NULL, n, at);
	return true;
}

static void print_follow(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const struct conf_follow *follow = at;
	const struct conf_key section = {.more = KEYS};

	(void)k;
	if (follow->class_name)
		conf_type_section.print(&section, at, p);
	else
		text_add_str(p->out, "null");
}

static void own_follow(const struct conf_key *k, void *at)
{
	struct conf_follow *follow = at;

	(void)k;
	if (follow->class_name)
		follow->class_name = must_strdup(follow->class_name);
	if (follow->queue)
		follow->queue = must_strdup(follow->queue);
	if (follow->args_json)
		follow->args_json = must_strdup(follow->args_json);
}

const struct conf_type conf_type_follow = {.allow = allow_follow,
	.read = read_follow,
	.print = print_follow,
	.own = own_follow,
	.fini = fini_follow};
