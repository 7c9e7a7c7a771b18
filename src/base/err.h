/*
 * err: why something that concerns the environment or a peer did not work. A function that can
 * fail so returns -1 (or NULL) and takes a `struct err *`; each caller on the way out may put
 * where it was in front. Whoever decides logs it, once.
 */
#ifndef DROVER_BASE_ERR_H
#define DROVER_BASE_ERR_H

struct err {
	char text[512]; /* one sentence, UTF-8, cut where it does not fit */
};

/* Sets the sentence; always returns -1, so that `return err_set(e, ...)` reads well. */
int err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As err_set, with ": " and the words for the current errno behind. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "WHERE: " in front of the sentence; returns -1. */
int err_at(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
