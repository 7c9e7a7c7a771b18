/*
 * must: an assertion about our own code. A failed one is our bug, never a peer's mistake and never
 * a job's failure: the process aborts and the system recovers. It is never compiled out.
 */
#ifndef DROVER_BASE_MUST_H
#define DROVER_BASE_MUST_H

_Noreturn void must_fail(const char *file, int line, const char *what);

#define must(cond) ((cond) ? (void)0 : must_fail(__FILE__, __LINE__, #cond))

/* Allocation. Memory that cannot be had is the end of the process; nobody checks for NULL. */
void *must_alloc(unsigned long size); /* zeroed */
void *must_realloc(void *old, unsigned long size);
char *must_strdup(const char *s);
char *must_strndup(const char *s, unsigned long len); /* len bytes and a NUL */
char *must_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
