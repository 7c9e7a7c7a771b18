/* message/each: see each.h. Reads no file but that of a password. */
#include "message/each.h"

#include "base/must.h"
#include "base/template.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* -- arguments of the job in texts of the class ------------------------------------------------------- */

struct lookup {
	json_t *args;
	bool uploaded;
};

static json_t *find(json_t *args, const char *name)
{
	if (name[strspn(name, "0123456789")] == '\0')
		return json_array_get(args, (size_t)strtoull(name, NULL, 10));
	return json_object_get(json_array_get(args, 0), name);
}

/* Strings as they are, numbers and the like as JSON has them. */
static int look_up(void *ctx, struct span name, struct text *out, struct err *err)
{
	struct lookup *l = ctx;
	char *text = must_strndup(name.at, name.len);
	json_t *value = strncmp(text, "args.", 5) == 0 ? find(l->args, text + 5) : NULL;
	int rc = 0;

	if (value == NULL || json_is_null(value)) {
		rc = err_set(err, "is missing");
	} else if (json_is_string(value)) {
		text_add(out, json_string_value(value), json_string_length(value));
	} else {
		char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		must(dump != NULL);
		text_add_str(out, dump);
		free(dump);
	}
	free(text);
	return rc;
}

static int fill_in(
	struct text *out, const char *text, bool is_inner, struct lookup *l, struct err *err)
{
	return is_inner ? template_expand_partly(out, span_of(text), TEMPLATE_ITEM, look_up, l, err)
			: template_expand(out, span_of(text), look_up, l, err);
}

static int fill_in_words(
	char ***out, char *const *words, bool is_inner, struct lookup *l, struct err *err)
{
	size_t n = 0;

	while (words[n])
		n++;
	*out = must_alloc((n + 1) * sizeof **out);
	for (size_t i = 0; i < n; i++) {
		struct text word = {0};

		if (fill_in(&word, words[i], is_inner, l, err) < 0) {
			text_fini(&word);
			return -1;
		}
		(*out)[i] = word.data ? text_take(&word) : must_strdup("");
	}
	return 0;
}

/* -- the collection ------------------------------------------------------------------------------------ */

static const uint32_t KINDS[] = {[CONF_EACH_RANGE] = JOB_RANGE,
	[CONF_EACH_LINES] = JOB_LINES,
	[CONF_EACH_JSON] = JOB_JSON,
	[CONF_EACH_CSV] = JOB_CSV,
	[CONF_EACH_REDIS] = JOB_MEMBERS,
	[CONF_EACH_COMMAND] = JOB_PRINTED};

static const struct {
	uint32_t members;
	enum stream_kind stream;
} MEMBERS[] = {[CONF_MEMBERS_LIST] = {JOB_MEMBERS_LIST, STREAM_LIST},
	[CONF_MEMBERS_SET] = {JOB_MEMBERS_SET, STREAM_SET},
	[CONF_MEMBERS_ZSET] = {JOB_MEMBERS_ZSET, STREAM_ZSET},
	[CONF_MEMBERS_HASH] = {JOB_MEMBERS_HASH, STREAM_HASH},
	[CONF_MEMBERS_SCAN] = {JOB_MEMBERS_SCAN, STREAM_SCAN}};

/* The first value of the progression that is not outside, and the last; of numbers the window is one. */
static void clamp(struct job_collection *c, int64_t from, int64_t to)
{
	int64_t step = c->step ? c->step : 1, by = step < 0 ? -step : step;
	int64_t outside = step > 0 ? from : to;
	bool is_out =
		outside != JOB_NO_NUMBER && (step > 0 ? c->first < outside : c->first > outside);

	if (is_out) {
		int64_t away = step > 0 ? outside - c->first : c->first - outside;

		c->first += (away + by - 1) / by * step;
	}
	outside = step > 0 ? to : from;
	if (outside != JOB_NO_NUMBER && (step > 0 ? c->last > outside : c->last < outside))
		c->last = outside;
}

static int describe_range(
	struct job_collection *c, struct span text, struct job_each *each, struct err *err)
{
	if (conf_parse_range(text, &c->first, &c->last, err) < 0)
		return err_at(err, "range");
	clamp(c, each->from, each->to);
	each->from = each->to = JOB_NO_NUMBER;
	return 0;
}

static int describe(struct each_message *m, const struct conf_each *e, bool is_inner,
	struct lookup *l, struct err *err)
{
	struct job_collection *c = is_inner ? &m->source.inner : &m->source.collection;
	struct text *text = is_inner ? &m->inner_path : &m->path;

	c->kind = KINDS[e->kind];
	c->separator = (uint32_t)e->separator;
	c->step = e->step;
	if (e->kind == CONF_EACH_COMMAND)
		return fill_in_words(
			is_inner ? &m->inner_argv : &m->argv, e->command, is_inner, l, err);
	if (!is_inner &&
		l->uploaded) /* the file that came with the run takes the place of this one */
		return 0;
	if (fill_in(text, e->text, is_inner, l, err) < 0)
		return -1;
	if (e->kind == CONF_EACH_RANGE)
		return is_inner ? conf_parse_range((struct span){text->data, text->len}, &c->first,
					  &c->last, err)
				: describe_range(c, (struct span){text->data, text->len},
					  &m->source.each, err);
	if (e->kind == CONF_EACH_REDIS)
		c->members = MEMBERS[e->members].members;
	return 0;
}

/* -- what stands in Redis ------------------------------------------------------------------------------- */

int each_message_take(struct each_message *m, const struct conf_redis *r, enum stream_kind kind,
	struct span key, struct err *err)
{
	char *password = NULL;

	if (r->password_file && conf_read_password(r->password_file, &password, err) < 0)
		return -1;
	if (password)
		text_add_str(&m->password, password);
	free(password);
	text_add_span(&m->key, key);
	m->stream = (struct stream_spec){.url = r->url,
		.username = r->username,
		.password = m->password.data,
		.ca_file = r->ca_file,
		.cert_file = r->cert_file,
		.key_file = r->key_file,
		.server_name = r->server_name,
		.connect_timeout_ms = r->connect_timeout_ms,
		.command_timeout_ms = r->command_timeout_ms,
		.prefix = r->prefix,
		.kind = kind,
		.key = m->key.data};
	m->streams = true;
	m->source.collection.stream = true;
	return 0;
}

/* -- how items are performed ---------------------------------------------------------------------------- */

static int64_t or_none(int64_t said, int64_t of_class)
{
	if (said >= 0)
		return said;
	return of_class == CONF_NONE ? JOB_NO_NUMBER : of_class;
}

static struct job_backoff describe_backoff(const struct conf_backoff *b)
{
	return (struct job_backoff){.first_ms = b->first_ms,
		.max_ms = b->max_ms,
		.factor = b->kind == CONF_BACKOFF_EXPONENTIAL ? b->factor : 1,
		.linear = b->kind == CONF_BACKOFF_LINEAR,
		.full_jitter = b->full_jitter};
}

static void describe_items(
	struct job_each *e, const struct conf_class *c, const struct each_asked *asked)
{
	static const uint32_t ERRORS[] = {[CONF_ITEM_ERROR_STOP] = JOB_ITEM_STOP,
		[CONF_ITEM_ERROR_SKIP] = JOB_ITEM_SKIP,
		[CONF_ITEM_ERROR_PAUSE] = JOB_ITEM_PAUSE};

	*e = (struct job_each){.flags = (c->filter_tty ? JOB_EACH_TTY : 0u) |
					(c->on_change_continue ? JOB_EACH_CHANGE : 0u),
		.on_item_error = ERRORS[c->on_item_error],
		.from = or_none(asked->from, c->from),
		.to = or_none(asked->to, c->to),
		.limit = or_none(asked->limit, c->limit),
		.batch = c->batch,
		.item_retries = c->item_retries,
		.max_item_errors = c->max_item_errors,
		.max_items = or_none(-1, c->max_items),
		.max_runtime_ms = or_none(-1, c->max_runtime_ms),
		.throttle_backoff_ms = c->throttle_backoff_ms,
		.item_backoff = describe_backoff(&c->item_backoff)};
}

/* -- all of it ------------------------------------------------------------------------------------------ */

/* Integers of any size, though those above 64 bits lose their last digits. */
static json_t *read_args(struct span args)
{
	json_t *array = json_loadb(args.at, args.len, 0, NULL);

	return array ? array : json_loadb(args.at, args.len, JSON_DECODE_INT_AS_REAL, NULL);
}

int each_message_init(struct each_message *m, const struct conf_class *c,
	const struct each_asked *asked, struct err *err)
{
	struct lookup l = {read_args(asked->args), asked->uploaded};
	int rc;

	*m = (struct each_message){0};
	describe_items(&m->source.each, c, asked);
	rc = describe(m, &c->each, false, &l, err);
	if (rc == 0 && c->each.inner)
		rc = describe(m, c->each.inner, true, &l, err);
	json_decref(l.args);
	m->source.path = (struct span){m->path.data, m->path.len};
	m->source.inner_path = (struct span){m->inner_path.data, m->inner_path.len};
	m->source.argv = m->argv;
	m->source.inner_argv = m->inner_argv;
	return rc;
}

int each_message_take_from_class(
	struct each_message *m, const struct conf_class *c, struct err *err)
{
	if (c->each.kind != CONF_EACH_REDIS)
		return 0;
	return each_message_take(m, c->each.redis, MEMBERS[c->each.members].stream,
		(struct span){m->path.data, m->path.len}, err);
}

static void free_words(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

void each_message_fini(struct each_message *m)
{
	text_fini(&m->path);
	text_fini(&m->inner_path);
	text_fini(&m->key);
	text_fini(&m->password);
	free_words(m->argv);
	free_words(m->inner_argv);
}
