/* queue/canonical: see canonical.h. Runs in drover, in programs with libdrover and in droverd. */
#include <jansson.h>
#include <stdlib.h>

#include "queue/canonical.h"

void canonical_add_json(struct text *out, struct span json)
{
	json_t *tree = json_loadb(json.at, json.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	char *form =
		tree ? json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;

	if (form)
		text_add_str(out, form);
	else
		text_add_span(out, json);
	free(form);
	json_decref(tree);
}

void canonical_add_job(struct text *out, struct span class_name, struct span args)
{
	text_add_span(out, class_name);
	text_add_char(out, '\0');
	canonical_add_json(out, args);
}

void canonical_add_request(
	struct text *out, struct span class_name, struct span queue, struct span args)
{
	text_add_span(out, class_name);
	text_add_char(out, '\0');
	text_add_span(out, queue);
	text_add_char(out, '\0');
	canonical_add_json(out, args);
}
