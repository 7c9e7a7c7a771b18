/* suite: runs one Check suite and says how it went. Included by test programs of one suite. */
#ifndef DROVER_SUPPORT_SUITE_H
#define DROVER_SUPPORT_SUITE_H

#include <check.h>
#include <stdlib.h>

#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A text and a span are as this literal or string says, NUL characters included. */
#define ck_assert_span_eq(got, want)                                                               \
	do {                                                                                       \
		const struct span got_ = (got), want_ = (want);                                    \
		ck_assert_msg(got_.len == want_.len &&                                             \
				      (got_.len == 0 || memcmp(got_.at, want_.at, got_.len) == 0), \
			"%s is \"%.*s\", not \"%.*s\"", #got, (int)got_.len,                       \
			got_.at ? got_.at : "", (int)want_.len, want_.at ? want_.at : "");         \
	} while (0)

static inline struct span text_span(const struct text *t)
{
	return (struct span){t->data, t->len};
}

/* The suite of one case; the caller adds its tests to *tc. */
static inline Suite *suite_with(const char *name, TCase **tc)
{
	Suite *s = suite_create(name);

	*tc = tcase_create(name);
	suite_add_tcase(s, *tc);
	return s;
}

static inline int suite_run_as(Suite *s, enum fork_status fork_status)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_set_fork_status(r, fork_status);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Each test in a process of its own, unless CK_FORK=no says otherwise. */
static inline int suite_run(Suite *s)
{
	return suite_run_as(s, CK_FORK_GETENV);
}

/* In any case, where a test leaves its process changed or ends it. */
static inline int suite_run_apart(Suite *s)
{
	return suite_run_as(s, CK_FORK);
}

#endif
