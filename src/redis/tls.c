/*
 * tls: sessions that check whom they talk to. Any process. Never falls back to less: without a
 * trusted chain and the right name there is no connection.
 */
#include "redis/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

#include "base/must.h"

static const char *reason_of(unsigned long code)
{
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	return reason ? reason : "no reason given";
}

static int bad_file(struct err *err, const char *what, const char *file)
{
	unsigned long code = ERR_peek_last_error();

	err_set(err, "TLS: the %s %s cannot be used: %s", what, file, reason_of(code));
	ERR_clear_error();
	return -1;
}

static int trust(SSL_CTX *ctx, const struct redis_options *o, struct err *err)
{
	if (!o->ca_file) {
		if (SSL_CTX_set_default_verify_paths(ctx) != 1)
			return bad_file(err, "CA certificates of", "the system");
	} else if (SSL_CTX_load_verify_locations(ctx, o->ca_file, NULL) != 1) {
		return bad_file(err, "CA file", o->ca_file);
	}
	return 0;
}

static int identify(SSL_CTX *ctx, const struct redis_options *o, struct err *err)
{
	const char *key = o->key_file ? o->key_file : o->cert_file;

	if (!o->cert_file)
		return o->key_file ? err_set(err, "TLS: key_file without cert_file") : 0;
	if (SSL_CTX_use_certificate_chain_file(ctx, o->cert_file) != 1)
		return bad_file(err, "certificate", o->cert_file);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return bad_file(err, "key", key);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return bad_file(err, "key (it does not belong to the certificate)", key);
	return 0;
}

/* A key that wants a pass phrase is refused; OpenSSL would ask the terminal, and wait. */
static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf, (void)size, (void)rwflag, (void)ctx;
	return -1;
}

static SSL_CTX *context_new(const struct redis_options *o, struct err *err)
{
	SSL_CTX *ctx;

	ERR_clear_error();
	ctx = SSL_CTX_new(TLS_client_method());
	must(ctx != NULL);
	must(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	/* A RESP answer knows its own length, so an end without close_notify hides nothing. */
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	if (trust(ctx, o, err) == 0 && identify(ctx, o, err) == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static bool is_address(const char *name)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static int expect_name(SSL *ssl, const char *name)
{
	if (is_address(name))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (SSL_set1_host(ssl, name) != 1)
		return 0;
	return (int)SSL_set_tlsext_host_name(ssl, name);
}

SSL *tls_session_new(const struct redis_options *o, struct err *err)
{
	const char *name = o->server_name ? o->server_name : o->host;
	SSL_CTX *ctx = context_new(o, err);
	SSL *ssl;

	if (!ctx)
		return NULL;
	ssl = SSL_new(ctx);
	must(ssl != NULL);
	SSL_CTX_free(ctx); /* the session keeps it */
	if (name && *name && expect_name(ssl, name) == 1)
		return ssl;
	err_set(err, "TLS: \"%s\" cannot be a server's name", name ? name : "");
	SSL_free(ssl);
	ERR_clear_error();
	return NULL;
}

/* libevent passes on OpenSSL's errors, but also a bare SSL_ERROR_SYSCALL, which belongs to no part. */
static bool is_from_tls(unsigned long code)
{
	return code && !ERR_SYSTEM_ERROR(code) && ERR_GET_LIB(code) > ERR_LIB_NONE;
}

/*
 * In TLS 1.3 a server refuses our certificate after we were let in: we hear that a write failed,
 * while the alert that says why lies unread.
 */
static unsigned long unread_alert(SSL *ssl)
{
	char byte;

	ERR_clear_error();
	SSL_peek(ssl, &byte, 1);
	return ERR_peek_error();
}

bool tls_say_failure(SSL *ssl, const char *name, unsigned long code, int error, struct err *err)
{
	long verdict = SSL_get_verify_result(ssl);
	bool lasting;

	if (verdict == X509_V_OK && !is_from_tls(code))
		code = unread_alert(ssl);
	lasting = verdict != X509_V_OK || is_from_tls(code);
	errno = error;
	if (verdict != X509_V_OK)
		err_set(err, "the server's certificate is refused: %s (expected \"%s\")",
			X509_verify_cert_error_string(verdict), name);
	else if (lasting)
		err_set(err, "TLS: %s", reason_of(code));
	else if (error)
		err_errno(err, "the connection broke");
	else
		err_set(err, "the server closed the connection");
	ERR_clear_error();
	return lasting;
}
