/* retry: see retry.h. droverd; pure. */
#include "supervisor/job/retry.h"

static double whole_delay_ms(const struct conf_backoff *b, int64_t attempt)
{
	double ms = (double)b->first_ms;

	switch (b->kind) {
	case CONF_BACKOFF_EXPONENTIAL:
		for (int64_t i = 1; i < attempt && ms > 0 && ms < (double)b->max_ms; i++)
			ms *= b->factor;
		break;
	case CONF_BACKOFF_LINEAR:
		ms *= (double)attempt;
		break;
	case CONF_BACKOFF_CONSTANT:
		break;
	}
	return ms;
}

int64_t retry_delay_ms(const struct conf_backoff *backoff, int64_t attempt, double random)
{
	double ms = whole_delay_ms(backoff, attempt < 1 ? 1 : attempt);

	if (ms > (double)backoff->max_ms)
		ms = (double)backoff->max_ms;
	return (int64_t)(backoff->full_jitter ? ms * random : ms);
}
