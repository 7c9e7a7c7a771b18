/*
 * tls: what makes a TLS session with a Redis trustworthy, and the words for why one is not.
 */
#ifndef DROVER_REDIS_TLS_H
#define DROVER_REDIS_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "redis/redis.h"

/*
 * A client session that accepts only a server whose certificate is signed by the CAs of `o` and
 * names o->server_name (else o->host). Reads the files now, so that renewed ones count. NULL with
 * the file that is bad.
 */
SSL *tls_session_new(const struct redis_options *o, struct err *err);

/*
 * Why a session broke: `code` is libevent's word for it, `error` the errno of that moment. Sets the
 * sentence; true where trying again cannot help.
 */
bool tls_say_failure(SSL *ssl, const char *name, unsigned long code, int error, struct err *err);

#endif
