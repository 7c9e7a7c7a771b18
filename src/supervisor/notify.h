/* notify: one datagram to the init system (sd_notify(3)), where there is one. */
#ifndef DROVER_SUPERVISOR_NOTIFY_H
#define DROVER_SUPERVISOR_NOTIFY_H

/* "READY=1", "RELOADING=1\nMONOTONIC_USEC=..". Nothing happens without $NOTIFY_SOCKET. */
void notify_send(const char *state);

#endif
