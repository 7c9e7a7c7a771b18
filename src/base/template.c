/* template: see template.h. Any process; pure. */
#include "base/template.h"

#include <string.h>

#define SHOWN_MAX 60 /* bytes of a placeholder in a sentence */

enum piece_kind { PIECE_TEXT, PIECE_BRACE, PIECE_PLACEHOLDER, PIECE_WRONG };

struct piece {
	enum piece_kind kind;
	struct span text; /* as it stands */
	struct span name; /* of a placeholder: what is between its braces */
	unsigned which;	  /* of a placeholder: TEMPLATE_ARGS or TEMPLATE_ITEM */
};

static bool begins(struct span s, const char *with)
{
	size_t len = strlen(with);

	return s.len >= len && memcmp(s.at, with, len) == 0;
}

static bool is_number(struct span s)
{
	size_t n = 0;

	while (n < s.len && s.at[n] >= '0' && s.at[n] <= '9')
		n++;
	return n == s.len;
}

/* A number has one way to be written. */
static bool is_name(struct span s, bool may_be_number)
{
	if (s.len == 0 || s.len > TEMPLATE_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < 0x20 || s.at[i] == 0x7f || s.at[i] == '{')
			return false;
	return !may_be_number || !is_number(s) || (s.len <= 9 && (s.len == 1 || *s.at != '0'));
}

/* 0: none. */
static unsigned kind_of(struct span name)
{
	if (begins(name, "args.") && is_name((struct span){name.at + 5, name.len - 5}, true))
		return TEMPLATE_ARGS;
	if (span_is(name, "item"))
		return TEMPLATE_ITEM;
	if (begins(name, "item.") && is_name((struct span){name.at + 5, name.len - 5}, false))
		return TEMPLATE_ITEM;
	return 0;
}

/* The text up to the next brace; or what an opening brace begins. */
static size_t measure(struct span rest, struct piece *p)
{
	const char *brace = memchr(rest.at, '{', rest.len), *end;

	if (brace != rest.at)
		return brace ? (size_t)(brace - rest.at) : rest.len;
	if (begins(rest, "{{")) {
		p->kind = PIECE_BRACE;
		return 2;
	}
	p->kind = PIECE_WRONG;
	end = memchr(rest.at, '}', rest.len);
	if (!end)
		return rest.len;
	p->name = (struct span){rest.at + 1, (size_t)(end - rest.at) - 1};
	p->which = kind_of(p->name);
	if (p->which != 0)
		p->kind = PIECE_PLACEHOLDER;
	return p->name.len + 2;
}

/* False at the end. */
static bool next(struct span *rest, struct piece *p)
{
	if (rest->len == 0)
		return false;
	*p = (struct piece){.kind = PIECE_TEXT};
	p->text = (struct span){rest->at, measure(*rest, p)};
	rest->at += p->text.len;
	rest->len -= p->text.len;
	return true;
}

/* Cut where it is long, though not within a character. */
static void add_shown(struct text *out, struct span s)
{
	size_t len = s.len < SHOWN_MAX ? s.len : SHOWN_MAX;

	while (len > 0 && len < s.len && ((unsigned char)s.at[len] & 0xc0) == 0x80)
		len--;
	text_add_json(out, (struct span){s.at, len});
	text_add_str(out, len < s.len ? "..." : "");
}

static int refuse(const struct piece *p, const char *why, struct err *err)
{
	struct text shown = {0};

	add_shown(&shown, p->text);
	err_set(err, "has %s, %s", shown.data, why);
	text_fini(&shown);
	return -1;
}

unsigned template_kinds(struct span text)
{
	struct piece p;
	unsigned kinds = 0;

	while (next(&text, &p))
		kinds |= p.which;
	return kinds;
}

int template_check(const char *text, unsigned allowed, struct err *err)
{
	struct span rest = span_of(text);
	struct piece p;

	while (next(&rest, &p)) {
		if (p.kind == PIECE_WRONG)
			return refuse(&p, "which is no placeholder", err);
		if (p.which & ~allowed)
			return refuse(&p, "which is nothing here", err);
	}
	return 0;
}

static void add_value(struct text *out, struct span value, bool again)
{
	for (size_t i = 0; i < value.len; i++) {
		if (again && value.at[i] == '{')
			text_add_char(out, '{');
		text_add_char(out, value.at[i]);
	}
}

static int add_placeholder(struct text *out, const struct piece *p, bool again,
	template_lookup_fn *lookup, void *ctx, struct err *err)
{
	struct text value = {0};
	int rc = lookup(ctx, p->name, &value, err);

	if (rc == 0 && value.len > 0 && memchr(value.data, '\0', value.len))
		rc = err_set(err, "holds a NUL");
	if (rc == 0)
		add_value(out, (struct span){value.data, value.len}, again);
	else
		err_at(err, "{%.*s}", (int)p->name.len, p->name.at);
	text_fini(&value);
	return rc;
}

/* `again`: the result is a template. */
static int expand(struct text *out, struct span text, unsigned left, bool again,
	template_lookup_fn *lookup, void *ctx, struct err *err)
{
	struct piece p;

	while (next(&text, &p)) {
		if (p.kind == PIECE_WRONG)
			return refuse(&p, "which is no placeholder", err);
		if (p.kind == PIECE_TEXT || (p.which & left))
			text_add_span(out, p.text);
		else if (p.kind == PIECE_BRACE)
			text_add_str(out, again ? "{{" : "{");
		else if (add_placeholder(out, &p, again, lookup, ctx, err) < 0)
			return -1;
	}
	return 0;
}

static int expand_all(struct text *out, struct span text, unsigned left, bool again,
	template_lookup_fn *lookup, void *ctx, struct err *err)
{
	size_t before = out->len;

	if (expand(out, text, left, again, lookup, ctx, err) == 0)
		return 0;
	out->len = before;
	if (out->data)
		out->data[before] = '\0';
	return -1;
}

int template_expand(
	struct text *out, struct span text, template_lookup_fn *lookup, void *ctx, struct err *err)
{
	return expand_all(out, text, 0, false, lookup, ctx, err);
}

int template_expand_partly(struct text *out, struct span text, unsigned left,
	template_lookup_fn *lookup, void *ctx, struct err *err)
{
	return expand_all(out, text, left, true, lookup, ctx, err);
}
