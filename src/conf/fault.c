/* conf/fault: see fault.h. Any process; no I/O. */
#include "conf/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

#define MOST_TOLD  200
#define SHORT_SIZE 60

struct conf_fault {
	char *file;
	char *text; /* "key: sentence" */
	unsigned line;
	size_t file_rank; /* files in the order in which they were first heard of */
	size_t rank;
};

static size_t rank_of_file(const struct conf_faults *f, const char *file)
{
	size_t next = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->list[i].file, file) == 0)
			return f->list[i].file_rank;
		if (f->list[i].file_rank >= next)
			next = f->list[i].file_rank + 1;
	}
	return next;
}

void conf_fault_add(struct conf_faults *f, const char *file, unsigned line, const char *key,
	const char *fmt, ...)
{
	struct text t = {0};
	char *sentence;
	va_list ap;

	if (f->n == MOST_TOLD) {
		f->unsaid++;
		return;
	}
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 8;
		f->list = must_realloc(f->list, f->cap * sizeof *f->list);
	}
	va_start(ap, fmt);
	must(vasprintf(&sentence, fmt, ap) >= 0);
	va_end(ap);
	if (key)
		text_addf(&t, "%s: ", key);
	text_add_str(&t, sentence);
	free(sentence);
	f->list[f->n] = (struct conf_fault){
		.file = must_strdup(file),
		.line = line,
		.file_rank = rank_of_file(f, file),
		.rank = f->n,
		.text = text_take(&t),
	};
	f->n++;
}

static int compare_places(const void *a, const void *b)
{
	const struct conf_fault *x = a, *y = b;

	if (x->file_rank != y->file_rank)
		return x->file_rank < y->file_rank ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

bool conf_fault_tell(struct conf_faults *f, struct text *out)
{
	bool none = f->n == 0;

	if (f->n > 0)
		qsort(f->list, f->n, sizeof *f->list, compare_places);
	for (size_t i = 0; i < f->n; i++) {
		struct conf_fault *fault = &f->list[i];

		text_add_str(out, fault->file);
		if (fault->line > 0)
			text_addf(out, ":%u", fault->line);
		text_addf(out, ": %s\n", fault->text);
		free(fault->file);
		free(fault->text);
	}
	if (f->unsaid > 0)
		text_addf(out, "and %zu more\n", f->unsaid);
	free(f->list);
	*f = (struct conf_faults){0};
	return none;
}

/* The code point of a well-formed sequence of n bytes. */
static unsigned long code_point(const char *p, size_t n)
{
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned long c = (unsigned char)p[0] & first_bits[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	return c;
}

/* What YAML refuses as it stands, or takes for a line break. */
static bool needs_escape(unsigned long c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       c == 0xfffe || c == 0xffff;
}

void conf_quote(struct text *out, struct span s)
{
	unsigned long c;
	size_t n;

	text_add_char(out, '"');
	for (size_t i = 0; i < s.len; i += n) {
		n = utf8_sequence(s.at + i, s.len - i);
		c = n > 0 ? code_point(s.at + i, n) : 0xfffd;
		if (c == '"' || c == '\\')
			text_addf(out, "\\%c", (int)c);
		else if (n == 0 || needs_escape(c))
			text_addf(out, "\\u%04lx", c);
		else
			text_add(out, s.at + i, n);
		n = n > 0 ? n : 1;
	}
	text_add_char(out, '"');
}

void conf_quote_short(struct text *out, struct span s)
{
	size_t len = SHORT_SIZE;

	if (s.len <= SHORT_SIZE) {
		conf_quote(out, s);
		return;
	}
	while (len > 0 && ((unsigned char)s.at[len] & 0xc0) == 0x80)
		len--;
	conf_quote(out, (struct span){s.at, len});
	text_add_str(out, "...");
}
