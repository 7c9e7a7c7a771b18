/*
 * redis_tls: whom we let in over TLS and whom not, against real redis-servers with certificates
 * made here.
 */
#include "support/redis_talk.c"

static char certificates_dir[64];

static void make_certificates(void)
{
	snprintf(certificates_dir, sizeof(certificates_dir), "%s", plain.dir);
	redis_server_make_certificates(certificates_dir);
}

/* -- TLS -- */

static char *certificate(const char *name)
{
	return must_printf("%s/%s", certificates_dir, name);
}

/* A TLS server with certificate `name`; `ask_clients` is yes, no or optional. */
static void start_tls(struct redis_server *s, const char *name, const char *ask_clients)
{
	static char cert[96], ca[96];
	static const char *extra[] = {"--tls-cert-file", cert, "--tls-key-file", cert,
		"--tls-ca-cert-file", ca, "--tls-auth-clients", NULL, NULL};

	snprintf(cert, sizeof(cert), "%s/%s", certificates_dir, name);
	snprintf(ca, sizeof(ca), "%s/ca.pem", certificates_dir);
	extra[7] = ask_clients;
	redis_server_start_tls(s, extra);
}

struct tls_case {
	const char *host, *ca, *name, *client; /* of the connection */
	const char *words;		       /* NULL: it comes up */
};

static void try_tls(const struct redis_server *s, const struct tls_case *c)
{
	struct talk t;

	talk_init(&t, url_of("rediss://%s:%d", c->host, s->tls_port));
	t.options.ca_file = c->ca ? certificate(c->ca) : NULL;
	t.options.cert_file = c->client ? certificate(c->client) : NULL;
	t.options.server_name = c->name ? must_strdup(c->name) : NULL;
	talk_start(&t);
	if (c->words) {
		UNTIL(&t, t.downs == 1);
		ck_assert_msg(strstr(t.why.text, c->words), "%s", t.why.text);
		ck_assert_msg(t.lasting, "%s", t.why.text);
		ck_assert_int_eq(t.ups, 0);
	} else {
		UNTIL(&t, t.ups || t.downs);
		ck_assert_msg(t.ups == 1, "%s", t.why.text);
		ck_assert_str_eq(ask(&t, "ECHO hidden"), "hidden");
	}
	talk_end(&t);
}

START_TEST(tls_knows_its_server)
{
	static const struct tls_case cases[] = {
		{"127.0.0.1", "ca.pem", NULL, NULL, NULL},
		{"localhost", "ca.pem", NULL, NULL, NULL},
		{"127.0.0.1", "ca.pem", "redis.test", NULL, NULL},
		{"127.0.0.1", "ca.pem", "other.test", NULL, "ostname mismatch"},
		{"127.0.0.1", "ca.pem", "test", NULL, "ostname mismatch"},
		{"127.0.0.1", "ca.pem", "127.0.0.2", NULL, "IP address mismatch"},
		{"127.0.0.1", "other-ca.pem", NULL, NULL, "certificate is refused: "},
		{"127.0.0.1", NULL, NULL, NULL, "refused: "},
		{"127.0.0.1", "none.pem", NULL, NULL, "none.pem cannot be used"},
		{"127.0.0.1", "names", NULL, NULL, "names cannot be used"},
		{"127.0.0.1", "ca.pem", NULL, "ca.pem", "ca.pem cannot be used"},
		{"127.0.0.1", "ca.pem", NULL, "client.pem", NULL},
	};
	struct redis_server s;
	struct talk t;

	start_tls(&s, "server.pem", "optional");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		try_tls(&s, &cases[i]);

	/* Once up it is lost and found like any other; big answers take many records. */
	talk_init(&t, url_of("rediss://127.0.0.1:%d/2", s.tls_port));
	t.options.ca_file = certificate("ca.pem");
	talk_start(&t);
	UNTIL(&t, t.ups == 1);
	ck_assert_uint_eq(strlen(ask(&t, "EVAL return(string.rep('x',3000000)) 0")), 3000000);
	redis_server_kill(&s, SIGKILL);
	UNTIL(&t, t.downs >= 1);
	ck_assert_msg(!t.lasting, "%s", t.why.text);
	redis_server_restart(&s);
	UNTIL(&t, t.ups == 2);
	talk_end(&t);

	/* Plain words to a port that wants TLS. */
	talk_init(&t, url_of("redis://127.0.0.1:%d", s.tls_port));
	talk_start(&t);
	UNTIL(&t, t.downs == 1);
	talk_end(&t);
	redis_server_stop(&s);
}
END_TEST

START_TEST(tls_shows_its_own_certificate)
{
	static const struct tls_case cases[] = {
		{"127.0.0.1", "ca.pem", NULL, NULL, "certificate required"},
		{"127.0.0.1", "ca.pem", NULL, "client.pem", NULL},
	};
	struct redis_server s;

	start_tls(&s, "server.pem", "yes");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		try_tls(&s, &cases[i]);
	redis_server_stop(&s);
}
END_TEST

START_TEST(tls_refuses_what_expired)
{
	static const struct tls_case expired = {
		"127.0.0.1", "ca.pem", NULL, NULL, "certificate has expired"};
	struct redis_server s;

	start_tls(&s, "expired.pem", "no");
	try_tls(&s, &expired);
	redis_server_stop(&s);
}
END_TEST

START_TEST(tls_to_a_plain_server_does_not_come_up)
{
	struct talk t;

	talk_init(&t, url_of("rediss://127.0.0.1:%d", plain.port));
	t.options.connect_timeout_ms = 200;
	talk_start(&t);
	UNTIL(&t, t.downs == 1);
	ck_assert_msg(strstr(t.why.text, "no TLS handshake"), "%s", t.why.text);
	talk_end(&t);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {tls_knows_its_server, tls_shows_its_own_certificate,
		tls_refuses_what_expired, tls_to_a_plain_server_does_not_come_up};
	Suite *s = suite_create("redis_tls");
	TCase *tc = make_case(s);

	tcase_add_unchecked_fixture(tc, make_certificates, NULL);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	return run_tests(s);
}
