/* must: assertions and allocations that do not fail. Any process. */
#include "base/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void must_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "drover: bug at %s:%d: %s\n", file, line, what);
	abort();
}

void *must_alloc(unsigned long size)
{
	void *p = calloc(1, size ? size : 1);

	must(p != NULL);
	return p;
}

void *must_realloc(void *old, unsigned long size)
{
	void *p = realloc(old, size ? size : 1);

	must(p != NULL);
	return p;
}

char *must_strndup(const char *s, unsigned long len)
{
	char *p = must_alloc(len + 1);

	if (len)
		memcpy(p, s, len);
	return p;
}

char *must_strdup(const char *s)
{
	return must_strndup(s, strlen(s));
}

char *must_printf(const char *fmt, ...)
{
	char *out = NULL;
	va_list ap;

	va_start(ap, fmt);
	must(vasprintf(&out, fmt, ap) >= 0);
	va_end(ap);
	return out;
}
