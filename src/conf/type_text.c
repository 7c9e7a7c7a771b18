/* conf/type_text: text of all kinds; see type.h. Any process; asks for the host's name alone. */
#include "conf/type.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "base/template.h"

#define LONGEST_TEXT 4096

/* A word that other readers of YAML would take for something else. */
static bool is_special(const char *s)
{
	static const char *const words[] = {
		"null", "true", "false", "yes", "no", "on", "off", "y", "n", "none", NULL};

	for (size_t i = 0; words[i]; i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

void conf_print_text(struct text *out, const char *s)
{
	bool plain = (isalpha((unsigned char)*s) || *s == '/') && !is_special(s);

	for (const char *p = s; *p && plain; p++)
		plain = isalnum((unsigned char)*p) || strchr("_-./", *p);
	if (plain)
		text_add_str(out, s);
	else
		conf_quote(out, span_of(s));
}

static void set(void *at, char *s)
{
	char **place = at;

	free(*place);
	*place = s;
}

static void own_text(const struct conf_key *k, void *at)
{
	char **place = at;

	(void)k;
	if (*place)
		*place = must_strdup(*place);
}

static void fini_text(const struct conf_key *k, void *at)
{
	(void)k;
	set(at, NULL);
}

static void print_text(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const char *s = *(char *const *)at;

	(void)k;
	if (s)
		conf_print_text(p->out, s);
	else
		text_add_str(p->out, "null");
}

static bool fits(const struct conf_key *k, const char *s)
{
	size_t max = k->max ? (size_t)k->max : LONGEST_TEXT;

	return strlen(s) >= (size_t)k->min && strlen(s) <= max;
}

/* -- string, path -- */

static void allow_text(const struct conf_key *k, struct text *out, const char *what)
{
	text_addf(out, "%s of %" PRId64 " to %" PRId64 " bytes", what, k->min,
		k->max ? k->max : LONGEST_TEXT);
	if (k->flags & CONF_KEY_NONE)
		text_add_str(out, ", or null");
}

static void allow_string(const struct conf_key *k, struct text *out)
{
	allow_text(k, out, "a text");
}

static bool read_string(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	const char *s = conf_scalar(n);

	(void)r;
	if (n->kind == CONF_NODE_SCALAR && !s && (k->flags & CONF_KEY_NONE)) {
		set(at, NULL);
		return true;
	}
	if (!s || !fits(k, s))
		return false;
	set(at, must_strdup(s));
	return true;
}

const struct conf_type conf_type_string = {.allow = allow_string,
	.read = read_string,
	.print = print_text,
	.own = own_text,
	.fini = fini_text};

static void allow_path(const struct conf_key *k, struct text *out)
{
	allow_text(k, out, "a path that begins with /,");
}

static bool read_path(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	const char *s = conf_scalar(n);

	return (!s || *s == '/') && read_string(r, k, n, at);
}

const struct conf_type conf_type_path = {.allow = allow_path,
	.read = read_path,
	.print = print_text,
	.own = own_text,
	.fini = fini_text};

/* -- template: what a job is given, or an item, is put in where a brace opens -- */

bool conf_check_template(struct conf_reader *r, const struct conf_node *n, const char *s)
{
	struct err err;

	if (template_check(s, r->placeholders, &err) == 0)
		return true;
	conf_node_fault(r->faults, n,
		"%s, allowed are {args.N} and {args.NAME}%s, and {{ for a brace", err.text,
		r->placeholders & TEMPLATE_ITEM ? ", {item} and {item.NAME}" : "");
	return false;
}

static void allow_template(const struct conf_key *k, struct text *out)
{
	allow_text(k, out, "a text, in which {args.N} and {args.NAME} stand for arguments,");
}

static bool read_template(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	if (!read_string(r, k, n, at))
		return false;
	conf_check_template(r, n, n->text);
	return true;
}

const struct conf_type conf_type_template = {.allow = allow_template,
	.read = read_template,
	.print = print_text,
	.own = own_text,
	.fini = fini_text};

/* -- url -- */

static const char *const SCHEMES[] = {
	"redis://", "rediss://", "unix://", "redis+sentinel://", "rediss+sentinel://", NULL};

static void allow_url(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "redis://HOST:PORT/DB, rediss://HOST:PORT/DB, unix:///PATH?db=DB or "
			  "redis+sentinel://HOST:PORT,HOST:PORT/NAME/DB");
}

static bool read_url(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	const char *s = conf_scalar(n);

	if (!s)
		return false;
	for (size_t i = 0; SCHEMES[i]; i++)
		if (strncmp(s, SCHEMES[i], strlen(SCHEMES[i])) == 0 && s[strlen(SCHEMES[i])])
			return read_string(r, k, n, at);
	return false;
}

/*
 * All between the first ':' and the last '@' is taken for the password, so that one with '/' or
 * '@' in it, which is a mistake, is not shown either. A path alone has none. The Sentinels' own
 * stands behind the '?'.
 */
static void print_url(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const char *url = *(char *const *)at;
	const char *scheme = strstr(url, "://");
	const char *user = scheme ? scheme + 3 : url;
	const char *end = *user == '/' ? NULL : strrchr(user, '@');
	const char *colon = end ? memchr(user, ':', (size_t)(end - user)) : NULL;
	const char *rest = colon ? end : url;
	const char *asked = strstr(rest, "sentinel_password=");
	struct text shown = {0};

	if ((!colon && !asked) || p->secrets) {
		print_text(k, at, p);
		return;
	}
	if (colon) {
		text_add(&shown, url, (size_t)(colon - url));
		text_add_str(&shown, ":***");
	}
	if (asked) {
		text_add(&shown, rest, (size_t)(strchr(asked, '=') + 1 - rest));
		text_add_str(&shown, "***");
		rest = strchrnul(asked, '&');
	}
	text_add_str(&shown, rest);
	conf_print_text(p->out, shown.data);
	text_fini(&shown);
}

const struct conf_type conf_type_url = {.allow = allow_url,
	.read = read_url,
	.print = print_url,
	.own = own_text,
	.fini = fini_text};

/* -- namespace -- */

static void allow_namespace(const struct conf_key *k, struct text *out)
{
	allow_text(k, out, "a text such as resque, or \"\" for none,");
}

static bool read_namespace(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	const char *s = conf_scalar(n);

	(void)r;
	if (!s || !fits(k, s))
		return false;
	set(at, *s ? must_printf("%s:", s) : must_strdup(""));
	return true;
}

static void print_namespace(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const char *prefix = *(char *const *)at;
	char *s = must_strndup(prefix, *prefix ? strlen(prefix) - 1 : 0);

	(void)k;
	conf_print_text(p->out, s);
	free(s);
}

const struct conf_type conf_type_namespace = {.allow = allow_namespace,
	.read = read_namespace,
	.print = print_namespace,
	.own = own_text,
	.fini = fini_text};

/* -- name: %h is the host's name, %% a percent sign -- */

static void allow_name(const struct conf_key *k, struct text *out)
{
	allow_text(k, out, "a text, in which %h is the host's name and %% a percent sign,");
}

static void add_host(struct text *out)
{
	char host[256] = "";

	gethostname(host, sizeof host - 1);
	text_add_utf8(out, span_of(*host ? host : "localhost"));
}

static bool read_name(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	const char *s = conf_scalar(n);
	struct text name = {0};

	(void)r;
	if (!s || !fits(k, s))
		return false;
	for (; *s; s++) {
		if (*s != '%') {
			text_add_char(&name, *s);
			continue;
		}
		s++;
		if (*s != '%' && *s != 'h') {
			text_fini(&name);
			return false;
		}
		if (*s == 'h')
			add_host(&name);
		else
			text_add_char(&name, '%');
	}
	if (!fits(k, name.data)) {
		text_fini(&name);
		return false;
	}
	set(at, text_take(&name));
	return true;
}

static void print_name(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	struct text written = {0};

	(void)k;
	text_reserve(&written, 0);
	for (const char *s = *(char *const *)at; *s; s++) {
		text_add_char(&written, *s);
		if (*s == '%')
			text_add_char(&written, '%');
	}
	conf_print_text(p->out, written.data);
	text_fini(&written);
}

const struct conf_type conf_type_name = {.allow = allow_name,
	.read = read_name,
	.print = print_name,
	.own = own_text,
	.fini = fini_text};
