/* settings: see settings.h. droverd. */
#include "supervisor/settings.h"
#include "base/must.h"
#include "message/class.h"

#include <stdlib.h>

static int settle_class(struct class_settings *cs, const struct conf_class *c, struct err *err)
{
	cs->conf = c;
	cs->nursery = message_uses_modules(c) ? NURSERY_MODULES : NURSERY_COMMANDS;
	return message_add_class(&cs->part, c, err);
}

struct settings *settings_new(struct conf *conf, struct err *err)
{
	struct settings *s = must_alloc(sizeof *s);

	s->refs = 1;
	s->conf = conf;
	s->classes = must_alloc((conf->n_classes + 1) * sizeof *s->classes);
	for (size_t i = 0; i < conf->n_classes; i++) {
		if (settle_class(&s->classes[i], &conf->classes[i], err) == 0)
			continue;
		settings_unref(s);
		return NULL;
	}
	return s;
}

struct settings *settings_ref(struct settings *s)
{
	s->refs++;
	return s;
}

void settings_unref(struct settings *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	for (size_t i = 0; i < s->conf->n_classes; i++)
		text_fini(&s->classes[i].part);
	free(s->classes);
	conf_unref(s->conf);
	free(s);
}

const struct class_settings *settings_find(const struct settings *s, struct span class_name)
{
	const struct conf_class *c = conf_find_class(s->conf, class_name);

	return c ? &s->classes[c - s->conf->classes] : NULL;
}
