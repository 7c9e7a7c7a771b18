/* queue/keys: see keys.h. */
#include "queue/keys.h"

char *key_make(const char *prefix, const char *a, struct span b)
{
	struct text t = {0};

	text_add_str(&t, prefix);
	text_add_str(&t, a);
	text_add_span(&t, b);
	return text_take(&t);
}
