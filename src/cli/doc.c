/* cli/doc: see doc.h. */
#include "base/clock.h"
#include "cli/doc.h"
#include "cli/show.h"

static void begin(struct doc *d, const char *name)
{
	if (d->more)
		text_add_char(&d->text, ',');
	d->more = true;
	if (name) {
		text_add_json(&d->text, span_of(name));
		text_add_char(&d->text, ':');
	}
}

void doc_open(struct doc *d, const char *name, char bracket)
{
	begin(d, name);
	text_add_char(&d->text, bracket);
	d->more = false;
}

void doc_close(struct doc *d, char bracket)
{
	text_add_char(&d->text, bracket);
	d->more = true;
}

void doc_text(struct doc *d, const char *name, struct span s)
{
	struct text quoted = {0};

	if (s.len)
		text_add_json(&quoted, s);
	doc_json(d, name, (struct span){quoted.data, quoted.len});
	text_fini(&quoted);
}

void doc_json(struct doc *d, const char *name, struct span s)
{
	begin(d, name);
	if (s.len)
		show_add_json(&d->text, s);
	else
		text_add_str(&d->text, "null");
}

void doc_number(struct doc *d, const char *name, int64_t n)
{
	if (n < 0)
		doc_json(d, name, span_of(NULL));
	else
		doc_integer(d, name, n);
}

void doc_integer(struct doc *d, const char *name, int64_t n)
{
	begin(d, name);
	text_add_int(&d->text, n);
}

void doc_time(struct doc *d, const char *name, int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE];

	doc_text(d, name, wall_ms < 0 ? span_of(NULL) : span_of(clock_rfc3339(wall_ms, text)));
}

void doc_bool(struct doc *d, const char *name, bool b)
{
	doc_json(d, name, b ? SPAN_LIT("true") : SPAN_LIT("false"));
}
