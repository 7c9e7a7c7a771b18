/* signals: see supervisor.h. droverd. What a signal means, in one table; nothing is done in a handler. */
#include "base/log.h"
#include "supervisor/supervisor.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static void sig_drain(struct supervisor *s)
{
	drain_begin(s, true);
}

static void sig_quit(struct supervisor *s)
{
	drain_begin(s, false);
}

/* End the running jobs now, go on working. */
static void sig_end_jobs(struct supervisor *s)
{
	FLEET_EACH_SLOT (s, slot)
		if (slot->state == SLOT_RUNNING)
			slot_end(slot, END_OPERATOR, false);
}

static void sig_quiet(struct supervisor *s)
{
	if (s->state != SUPERVISOR_RUNNING)
		return;
	s->state = SUPERVISOR_QUIET;
	log_event(LOG_INFO, "supervisor.quiet");
	lease_beat_now(s->lease);
}

static void sig_go_on(struct supervisor *s)
{
	if (s->state != SUPERVISOR_QUIET)
		return;
	s->state = SUPERVISOR_RUNNING;
	log_event(LOG_INFO, "supervisor.continue");
	lease_beat_now(s->lease);
	supervisor_look_for_work(s);
}

static void change_workers(struct supervisor *s, int by)
{
	if (s->state >= SUPERVISOR_DRAINING)
		return;
	for (struct pool *p = s->pools; p; p = p->next)
		if (!p->retiring && p->workers_wanted + by >= 0)
			p->workers_wanted += by;
	fleet_settle(s);
	log_event(LOG_INFO, "supervisor.workers", LOG_NUM("workers", (int64_t)fleet_slots(s)));
	lease_beat_now(s->lease); /* so that everybody sees them */
	supervisor_look_for_work(s);
}

static void sig_more(struct supervisor *s)
{
	change_workers(s, 1);
}

static void sig_less(struct supervisor *s)
{
	change_workers(s, -1);
}

static void sig_none(struct supervisor *s)
{
	if (s->state >= SUPERVISOR_DRAINING)
		return;
	for (struct pool *p = s->pools; p; p = p->next)
		p->workers_wanted = 0;
	fleet_settle(s);
	log_event(LOG_INFO, "supervisor.workers", LOG_NUM("workers", 0));
}

static const struct {
	int signal;
	void (*act)(struct supervisor *);
	bool not_at_a_terminal; /* terminals send these by themselves */
} TABLE[] = {
	{SIGTERM, sig_drain, false},
	{SIGINT, sig_drain, false},
	{SIGQUIT, sig_quit, false},
	{SIGUSR1, sig_end_jobs, false},
	{SIGUSR2, sig_quiet, false},
	{SIGCONT, sig_go_on, false},
	{SIGHUP, reload, false},
	{SIGTTIN, sig_more, true},
	{SIGTTOU, sig_less, true},
	{SIGWINCH, sig_none, true},
};

enum { SIGNALS = sizeof TABLE / sizeof *TABLE };

static struct event *events[SIGNALS];

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)what;
	log_event(LOG_INFO, "supervisor.signal", LOG_STR("signal", sigabbrev_np((int)number)));
	for (int i = 0; i < SIGNALS; i++)
		if (TABLE[i].signal == (int)number)
			TABLE[i].act(s);
	supervisor_turn(s);
}

static bool at_a_terminal(void)
{
	return isatty(0) || isatty(1) || isatty(2);
}

void signals_install(struct supervisor *s)
{
	bool terminal = at_a_terminal();

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < SIGNALS; i++) {
		if (TABLE[i].not_at_a_terminal && terminal) {
			signal(TABLE[i].signal, SIG_IGN);
			continue;
		}
		signal(TABLE[i].signal, SIG_IGN); /* what stands again once the event is gone */
		events[i] = evsignal_new(s->base, TABLE[i].signal, on_signal, s);
		event_add(events[i], NULL);
	}
}

void signals_remove(struct supervisor *s)
{
	(void)s;
	for (int i = 0; i < SIGNALS; i++) {
		if (events[i])
			event_free(events[i]);
		events[i] = NULL;
	}
}
