/*
 * sample: see supervisor.h. droverd. Where no cgroup holds the limits, running jobs are measured
 * at least 4 times a second, and more often while one is near its limit.
 */
#include "base/clock.h"
#include "supervisor/supervisor.h"

enum { SAMPLE_MS = 250, SAMPLE_NEAR_MS = 25, PSS_EVERY_MS = 1000 };

static bool has_limit(const struct slot *slot)
{
	const struct conf_class *c = slot->job->class->conf;

	return (c->memory_bytes != CONF_NONE && !slot->kernel_holds_memory) ||
	       c->cpu_ms != CONF_NONE ||
	       (c->processes != CONF_NONE && !slot->kernel_holds_processes);
}

static void hit(
	struct slot *slot, enum end_reason reason, int64_t limit, int64_t used, bool at_once)
{
	if (slot->ending.reason == END_NONE) {
		slot->ending.limit = limit;
		slot->ending.used = used;
	}
	slot_end(slot, reason, at_once);
}

/* Pages that processes share count once: a job forked from a large nursery is not to blame for it. */
static bool too_much_memory(struct slot *slot, const struct conf_class *c, int64_t *used)
{
	if (c->memory_bytes == CONF_NONE || *used <= c->memory_bytes)
		return false;
	if (*used < 2 * c->memory_bytes && slot->next_pss_mono_ms > clock_mono_ms())
		return false;
	slot->next_pss_mono_ms = clock_mono_ms() + PSS_EVERY_MS;
	*used = tree_measure_pss(slot->child.pid);
	return *used > c->memory_bytes;
}

static void sample(struct slot *slot, int64_t now)
{
	const struct conf_class *c = slot->job->class->conf;
	struct tree_use use;
	bool near;

	tree_measure(slot->child.pid, c->cpu_ms != CONF_NONE || c->processes != CONF_NONE, &use);
	near = c->memory_bytes != CONF_NONE && use.rss_bytes > c->memory_bytes / 4;
	slot->next_sample_mono_ms = now + (near ? SAMPLE_NEAR_MS : SAMPLE_MS);
	if (!slot->kernel_holds_memory && too_much_memory(slot, c, &use.rss_bytes))
		hit(slot, END_MEMORY, c->memory_bytes, use.rss_bytes, true);
	else if (c->processes != CONF_NONE && use.processes > c->processes)
		hit(slot, END_PROCESSES, c->processes, use.processes, true);
	else if (c->cpu_ms != CONF_NONE && use.cpu_ms > c->cpu_ms)
		hit(slot, END_CPU, c->cpu_ms, use.cpu_ms, false);
}

void sample_all(struct supervisor *s)
{
	int64_t now = clock_mono_ms();

	FLEET_EACH_SLOT (s, slot)
		if (slot->state == SLOT_RUNNING && slot->next_sample_mono_ms <= now &&
			has_limit(slot))
			sample(slot, now);
}

/* When the next look is due; -1: nobody runs under a limit that needs one. */
int64_t sample_interval_ms(const struct supervisor *s)
{
	int64_t now = clock_mono_ms(), first = -1;

	FLEET_EACH_SLOT (s, slot) {
		int64_t in;

		if (slot->state != SLOT_RUNNING || !has_limit(slot))
			continue;
		in = slot->next_sample_mono_ms > now ? slot->next_sample_mono_ms - now : 0;
		if (first < 0 || in < first)
			first = in;
	}
	return first;
}
