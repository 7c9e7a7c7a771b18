/* conf/type_list: lists and maps of text; see type.h. Any process; pure. */
#include "conf/type.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

#define MOST_ENTRIES 256
#define LONGEST_NAME 256

size_t conf_list_size(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

char **conf_list_copy(char *const *list)
{
	char **copy;

	if (!list)
		return NULL;
	copy = must_alloc((conf_list_size(list) + 1) * sizeof(char *));
	for (size_t i = 0; list[i]; i++)
		copy[i] = must_strdup(list[i]);
	return copy;
}

void conf_list_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static void set(void *at, char **list)
{
	char ***place = at;

	conf_list_free(*place);
	*place = list;
}

static void own_list(const struct conf_key *k, void *at)
{
	char ***place = at;

	(void)k;
	*place = conf_list_copy(*place);
}

static void fini_list(const struct conf_key *k, void *at)
{
	(void)k;
	set(at, NULL);
}

static void print_list(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	char *const *list = *(char *const *const *)at;

	(void)k;
	if (!list) {
		text_add_str(p->out, "null");
		return;
	}
	text_add_char(p->out, '[');
	for (size_t i = 0; list[i]; i++) {
		if (i > 0)
			text_add_str(p->out, ", ");
		conf_print_text(p->out, list[i]);
	}
	text_add_char(p->out, ']');
}

/* -- argv: a program and its arguments -- */

static void allow_argv(const struct conf_key *k, struct text *out)
{
	text_add_str(out, "a list of texts, the program first, such as [/srv/app/bin/it, --fast]");
	if (k->flags & CONF_KEY_NONE)
		text_add_str(out, ", or null");
}

static bool read_argv(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	char **list;

	if (conf_node_is_null(n) && (k->flags & CONF_KEY_NONE)) {
		set(at, NULL);
		return true;
	}
	if (n->kind != CONF_NODE_LIST || n->n == 0)
		return false;
	list = must_alloc((n->n + 1) * sizeof(char *));
	for (size_t i = 0; i < n->n; i++) {
		const char *s = conf_scalar(n->items[i]);

		if (!s || (i == 0 && *s == '\0')) {
			conf_node_fault(r->faults, n->items[i], "is no text, allowed is %s",
				i == 0 ? "the path or name of a program" : "a text, \"\" too");
			s = "";
		}
		list[i] = must_strdup(s);
	}
	set(at, list);
	return true;
}

const struct conf_type conf_type_argv = {.allow = allow_argv,
	.read = read_argv,
	.print = print_list,
	.own = own_list,
	.fini = fini_list};

static bool read_templates(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	if (!read_argv(r, k, n, at))
		return false;
	for (size_t i = 0; i < n->n; i++)
		if (conf_scalar(n->items[i]))
			conf_check_template(r, n->items[i], n->items[i]->text);
	return true;
}

const struct conf_type conf_type_templates = {.allow = allow_argv,
	.read = read_templates,
	.print = print_list,
	.own = own_list,
	.fini = fini_list};

/* -- names and values of an environment -- */

/* Names of ours tell a job about itself, and ours of droverd's own may hold a password. */
static bool check_name(struct conf_reader *r, const struct conf_node *n, const char *name)
{
	bool valid = name && (isalpha((unsigned char)*name) || *name == '_') &&
		     strlen(name) <= LONGEST_NAME;

	for (const char *p = name; valid && *p; p++)
		valid = isalnum((unsigned char)*p) || *p == '_';
	if (!valid) {
		conf_node_fault(r->faults, n,
			"is no name of an environment variable, allowed are A-Z, a-z, 0-9 and _");
		return false;
	}
	if (strncmp(name, "DROVER_", 7) == 0) {
		conf_node_fault(r->faults, n,
			"begins with DROVER_, which is drover's own, allowed are other names");
		return false;
	}
	return true;
}

static void allow_names(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "a list of names of environment variables, at most 256");
}

static bool read_names(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	char **list;
	size_t kept = 0;

	(void)k;
	if (n->kind != CONF_NODE_LIST || n->n > MOST_ENTRIES)
		return false;
	list = must_alloc((n->n + 1) * sizeof(char *));
	for (size_t i = 0; i < n->n; i++)
		if (check_name(r, n->items[i], conf_scalar(n->items[i])))
			list[kept++] = must_strdup(n->items[i]->text);
	set(at, list);
	return true;
}

const struct conf_type conf_type_names = {.allow = allow_names,
	.read = read_names,
	.print = print_list,
	.own = own_list,
	.fini = fini_list};

static void allow_env(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "a map of names and texts, at most 256 with those of `defaults`, such as "
			  "{APP_ENV: test}");
}

static char **find_entry(char **list, const char *name)
{
	size_t len = strlen(name);

	while (*list && (strncmp(*list, name, len) != 0 || (*list)[len] != '='))
		list++;
	return list;
}

/* Adds to what is there; the same name is replaced where it stands, so that a dump is stable. */
static bool read_env(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	char ***place = at;
	size_t old = conf_list_size(*place);

	(void)k;
	if (n->kind != CONF_NODE_MAP || n->n > MOST_ENTRIES)
		return false;
	*place = must_realloc(*place, (old + n->n + 1) * sizeof(char *));
	memset(*place + old, 0, (n->n + 1) * sizeof(char *));
	for (size_t i = 0; i < n->n; i++) {
		const struct conf_node *item = n->items[i];
		const char *s = conf_scalar(item);
		char **entry;

		if (!check_name(r, item, item->key))
			continue;
		if (!s) {
			conf_node_fault(r->faults, item, "is no text, allowed is a text, \"\" too");
			continue;
		}
		entry = find_entry(*place, item->key);
		free(*entry);
		*entry = must_printf("%s=%s", item->key, s);
	}
	return conf_list_size(*place) <= MOST_ENTRIES;
}

static void print_env(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	char *const *list = *(char *const *const *)at;

	(void)k;
	text_add_char(p->out, '{');
	for (size_t i = 0; list && list[i]; i++) {
		const char *value = strchr(list[i], '=') + 1;
		char *name = must_strndup(list[i], (size_t)(value - 1 - list[i]));

		if (i > 0)
			text_add_str(p->out, ", ");
		conf_print_text(p->out, name);
		text_add_str(p->out, ": ");
		conf_print_text(p->out, value);
		free(name);
	}
	text_add_char(p->out, '}');
}

const struct conf_type conf_type_env = {.allow = allow_env,
	.read = read_env,
	.print = print_env,
	.own = own_list,
	.fini = fini_list};
