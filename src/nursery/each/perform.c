/* nursery/each/perform: see perform.h. */
#include "nursery/each/perform.h"

#include "nursery/each/tell.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* -- by a C function --------------------------------------------------------------------------- */

static int find_function(struct performer *p, struct err *err)
{
	const char *name = p->m->function;

	if (!p->source)
		return err_set(err, "this nursery has no modules");
	p->entry = p->source->find(name);
	if (!p->entry)
		return err_set(err, "no module has a function %s", name);
	if (!p->entry->each)
		return err_set(err, "%s performs jobs, not items of an each", name);
	p->job = (struct drover_job){.message = p->m, .source = p->source, .item_error = &p->why};
	environment_init(&p->env, p->m);
	environ = p->env.list;
	return 0;
}

static void close_function(struct performer *p)
{
	fflush(NULL);
	if (p->job.args)
		p->source->release(p->job.args);
	environ = NULL;
	environment_fini(&p->env);
}

static enum performed say_answer(struct performer *p, int answer)
{
	switch (answer) {
	case DROVER_RETRY:
	case DROVER_FAILED:
	case DROVER_ABORT:
		break;
	case DROVER_INTERRUPTED:
		return PERFORMED_INTERRUPTED;
	default:
		if (p->why.len == 0)
			text_addf(&p->why, "the function returned %d", answer);
		return PERFORMED_FAIL;
	}
	if (p->why.len == 0)
		text_addf(&p->why, "the function gave no reason");
	if (answer == DROVER_RETRY)
		return PERFORMED_RETRY;
	return answer == DROVER_ABORT ? PERFORMED_ABORT : PERFORMED_FAIL;
}

static enum performed call(struct performer *p, int64_t number)
{
	const struct drover_item item = {
		.number = (uint64_t)number, .text = p->line.data, .len = p->line.len};
	int answer = p->entry->each(&p->job, &item);

	if (answer == DROVER_DONE || answer == DROVER_SKIP)
		return PERFORMED;
	return say_answer(p, answer);
}

/* -- by the filter ----------------------------------------------------------------------------- */

static const struct {
	const char *word;
	enum performed performed;
} ANSWERS[] = {
	{"ok", PERFORMED},
	{"skip", PERFORMED},
	{"retry", PERFORMED_RETRY},
	{"fail", PERFORMED_FAIL},
	{"abort", PERFORMED_ABORT},
};

/* What stands behind the word; .at NULL where the line does not begin with it. */
static struct span text_behind(struct span line, const char *word)
{
	size_t len = strlen(word);

	if (line.len < len || memcmp(line.at, word, len) != 0)
		return (struct span){NULL, 0};
	if (line.len == len)
		return (struct span){line.at + len, 0};
	if (line.at[len] != ' ')
		return (struct span){NULL, 0};
	return (struct span){line.at + len + 1, line.len - len - 1};
}

static enum performed take_answer(struct performer *p, size_t i, struct span text)
{
	if (ANSWERS[i].performed != PERFORMED) {
		text_add_span(&p->why, text);
		if (text.len == 0)
			text_addf(&p->why, "the filter said %s", ANSWERS[i].word);
	} else if (text.len > 0 && i == 0) {
		tell_output(text);
	}
	return ANSWERS[i].performed;
}

static enum performed judge(struct performer *p, struct span line)
{
	p->is_malformed = true;
	if (p->filter.is_cut) {
		text_addf(&p->why,
			"the filter answered with more than %d bytes: ", FILTER_ANSWER_MAX);
		text_add_span(&p->why, line);
		return PERFORMED_FAIL;
	}
	for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
		struct span text = text_behind(line, ANSWERS[i].word);

		if (text.at) {
			p->is_malformed = false;
			return take_answer(p, i, text);
		}
	}
	text_add_span(&p->why, line.len > 0 ? line : SPAN_LIT("the filter answered nothing"));
	return PERFORMED_FAIL;
}

static enum performed ask(struct performer *p)
{
	struct span answer;
	struct err err;
	int got;

	text_add_char(&p->line, '\n');
	got = filter_ask(&p->filter, (struct span){p->line.data, p->line.len}, &answer, &err);
	if (got > 0)
		return judge(p, answer);
	text_add_str(&p->why, err.text);
	return got == 0 ? PERFORMED_DIED : PERFORMED_NOT_BEGUN;
}

/* -- either ------------------------------------------------------------------------------------ */

int performer_open(struct performer *p, const struct job_message *m,
	const struct function_source *source, struct err *err)
{
	*p = (struct performer){.m = m, .source = source};
	if (m->function)
		return find_function(p, err);
	filter_init(&p->filter, m);
	return 0;
}

void performer_close(struct performer *p)
{
	if (p->entry)
		close_function(p);
	else
		filter_close(&p->filter);
	text_fini(&p->line);
}

enum performed performer_perform(struct performer *p, const struct collection_item *item)
{
	text_clear(&p->line);
	text_clear(&p->why);
	p->is_malformed = false;
	text_add_span(&p->line, item->text);
	return p->entry ? call(p, item->number) : ask(p);
}
