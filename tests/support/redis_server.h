/*
 * redis_server: real redis-servers for tests, each in a temporary folder of its own, on a unix
 * socket and on free loopback ports. Included by a test as "support/redis_server.c".
 */
#ifndef DROVER_SUPPORT_REDIS_SERVER_H
#define DROVER_SUPPORT_REDIS_SERVER_H

#include <signal.h>
#include <sys/types.h>

struct redis_server {
	pid_t pid;
	char dir[64];
	char socket[96]; /* of the unix socket */
	int port;	 /* plain; 0 with TLS */
	int tls_port;	 /* 0 without TLS */
	const char *const *extra;
};

/* Starts one and waits until it answers. `extra` are further words of the command line up to NULL
   (may be NULL itself). The server dies with the process that started it. */
void redis_server_start(struct redis_server *s, const char *const *extra);

/* The same with TLS alone on the loopback port; the words of `extra` name its certificates. */
void redis_server_start_tls(struct redis_server *s, const char *const *extra);

void redis_server_kill(struct redis_server *s, int signal); /* KILL and TERM are waited for */
void redis_server_restart(struct redis_server *s);	    /* the same ports, after a kill */
void redis_server_stop(struct redis_server *s);		    /* killed, folder removed */

/*
 * Makes certificates in `dir`: ca.pem, other-ca.pem, server.pem (for localhost, redis.test and
 * 127.0.0.1), expired.pem, client.pem (key in the same file).
 */
void redis_server_make_certificates(const char *dir);

#endif
