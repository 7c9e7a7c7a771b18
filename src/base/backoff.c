/* backoff: see backoff.h. */
#include "base/backoff.h"

static double whole_delay_ms(const struct backoff *b, int64_t tried)
{
	double ms = (double)b->first_ms;

	if (b->linear)
		return ms * (double)tried;
	if (b->factor != 1)
		for (int64_t i = 1; i < tried && ms > 0 && ms < (double)b->max_ms; i++)
			ms *= b->factor;
	return ms;
}

int64_t backoff_delay_ms(const struct backoff *b, int64_t tried, double random)
{
	double ms = whole_delay_ms(b, tried < 1 ? 1 : tried);

	if (ms > (double)b->max_ms)
		ms = (double)b->max_ms;
	return (int64_t)(b->full_jitter ? ms * random : ms);
}
