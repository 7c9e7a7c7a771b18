/* items/serve: see serve.h. In drover-items. */
#include "items/serve.h"

#include "base/must.h"
#include "items/source.h"
#include "items/talk.h"

struct server {
	struct talk talk;
	struct text spec_bytes;
	struct store store;
	struct source
		*source; /* NULL: what was to be served makes no sense, and why is in `broken` */
	struct err broken;
	struct text answer;
	struct items items;
};

/* -- one question --------------------------------------------------------------------------------- */

static int say_number(struct server *s, const char *word, int64_t n)
{
	text_addf(&s->answer, "%s %lld\n", word, (long long)n);
	return 0;
}

static int answer_size(struct server *s, const struct stream_question *q, struct err *err)
{
	int64_t n = -1;

	(void)q;
	return s->source->kind->size(s->source, &n, err) < 0 ? -1 : say_number(s, "size", n);
}

static int answer_count(struct server *s, const struct stream_question *q, struct err *err)
{
	int64_t n = -1;

	(void)q;
	return s->source->kind->count(s->source, &n, err) < 0 ? -1 : say_number(s, "count", n);
}

static int answer_read(struct server *s, const struct stream_question *q, struct err *err)
{
	text_clear(&s->items.bytes);
	if (s->source->kind->read(s->source, q, &s->items.bytes, err) < 0)
		return -1;
	say_number(s, "bytes", (int64_t)s->items.bytes.len);
	text_add(&s->answer, s->items.bytes.data, s->items.bytes.len);
	return 0;
}

static int answer_next(struct server *s, const struct stream_question *q, struct err *err)
{
	text_clear(&s->items.bytes);
	s->items.n = 0;
	if (s->source->kind->next(s->source, q, &s->items, err) < 0)
		return -1;
	say_number(s, "items", s->items.n);
	text_add(&s->answer, s->items.bytes.data, s->items.bytes.len);
	return 0;
}

static bool can_answer(const struct source_kind *kind, enum stream_question_kind question)
{
	return question == STREAM_READ	 ? kind->read != NULL
	       : question == STREAM_SIZE ? kind->size != NULL
	       : question == STREAM_NEXT ? kind->next != NULL
					 : kind->count != NULL;
}

static int answer(struct server *s, struct span line, struct err *err)
{
	static int (*const ANSWERS[])(
		struct server * s, const struct stream_question *q, struct err *err) = {
		[STREAM_READ] = answer_read,
		[STREAM_SIZE] = answer_size,
		[STREAM_NEXT] = answer_next,
		[STREAM_COUNT] = answer_count,
	};
	struct stream_question q;

	if (s->source == NULL) {
		*err = s->broken;
		return -1;
	}
	if (stream_question_parse(&q, line, err) < 0)
		return -1;
	if (!can_answer(s->source->kind, q.kind))
		return err_set(err, "this collection, a %s, cannot be asked that",
			stream_kind_name(s->source->spec.kind));
	return ANSWERS[q.kind](s, &q, err);
}

/* One line, whatever a server or a file put into the sentence. */
static void say_error(struct server *s, const struct err *err)
{
	text_clear(&s->answer);
	text_add_str(&s->answer, "error ");
	for (const char *p = err->text; *p; p++)
		text_add_char(&s->answer, (unsigned char)*p < ' ' ? ' ' : *p);
	text_add_char(&s->answer, '\n');
}

/* -- all of them ---------------------------------------------------------------------------------- */

static int questions(struct server *s)
{
	struct span line;
	struct err err;
	int rc;

	while ((rc = talk_read_line(&s->talk, &line, &err)) > 0) {
		text_clear(&s->answer);
		if (answer(s, line, &err) < 0)
			say_error(s, &err);
		if (talk_write(&s->talk, (struct span){s->answer.data, s->answer.len}) == 0)
			return 0;
	}
	if (rc < 0) {
		say_error(s, &err);
		talk_write(&s->talk, (struct span){s->answer.data, s->answer.len});
	}
	return rc < 0;
}

/* What cannot be served is said when somebody asks for it: then a job can say so of itself. */
static void open_source(struct server *s)
{
	struct stream_spec spec;

	if (stream_spec_parse(
		    &spec, (struct span){s->spec_bytes.data, s->spec_bytes.len}, &s->broken) == 0 &&
		store_init(&s->store, &spec, s->talk.fd, &s->broken) == 0)
		s->source = source_open(&s->store, &spec);
}

/* All of it, and then its end: whoever reads cannot ask again, so an error is an end in the middle. */
static int tell(struct server *s)
{
	struct err err;

	text_clear(&s->answer);
	if (s->source->kind->tell(s->source, &s->answer, &err) < 0)
		say_error(s, &err);
	talk_write(&s->talk, (struct span){s->answer.data ? s->answer.data : "", s->answer.len});
	return 0;
}

int serve(int fd)
{
	struct server s = {.talk.fd = fd};
	struct span spec;
	struct err err;
	int rc = talk_read_spec(&s.talk, &spec, &err);

	if (rc > 0) {
		text_add_span(&s.spec_bytes, spec);
		open_source(&s);
		rc = s.source && s.source->kind->tell ? tell(&s) : questions(&s);
	}
	source_close(s.source);
	store_fini(&s.store);
	text_fini(&s.spec_bytes);
	text_fini(&s.answer);
	text_fini(&s.items.bytes);
	talk_fini(&s.talk);
	return rc != 0;
}
