/* retry: see retry.h. droverd; pure. */
#include "supervisor/job/retry.h"

#include "base/backoff.h"

int64_t retry_delay_ms(const struct conf_backoff *backoff, int64_t attempt, double random)
{
	const struct backoff b = {
		.first_ms = backoff->first_ms,
		.max_ms = backoff->max_ms,
		.factor = backoff->kind == CONF_BACKOFF_EXPONENTIAL ? backoff->factor : 1,
		.linear = backoff->kind == CONF_BACKOFF_LINEAR,
		.full_jitter = backoff->full_jitter,
	};

	return backoff_delay_ms(&b, attempt, random);
}
