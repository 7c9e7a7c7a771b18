/*
 * redis_server: starts, judges and stops real redis-servers. In test programs only.
 */
#include "support/redis_server.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"

#define START_MAX_MS 10000
#define ARGV_MAX     48

static int free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	must(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
	close(fd);
	return ntohs(a.sin_port);
}

static bool answers(const struct redis_server *s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char got[7] = "";
	bool ok;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", s->socket);
	ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	     send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
	     recv(fd, got, sizeof(got), MSG_WAITALL) == 7 && memcmp(got, "-LOADIN", 7) != 0;
	close(fd);
	return ok;
}

static _Noreturn void run(const struct redis_server *s)
{
	char port[16], tls_port[16], log[96];
	const char *argv[ARGV_MAX] = {"redis-server", "--port", port, "--unixsocket", s->socket,
		"--dir", s->dir, "--save", "", "--logfile", log, "--bind", "127.0.0.1",
		"--daemonize", "no"};
	size_t n = 15;

	snprintf(port, sizeof(port), "%d", s->port);
	snprintf(tls_port, sizeof(tls_port), "%d", s->tls_port);
	snprintf(log, sizeof(log), "%s/log", s->dir);
	if (s->tls_port) {
		argv[n++] = "--tls-port";
		argv[n++] = tls_port;
	}
	for (size_t i = 0; s->extra && s->extra[i]; i++) {
		must(n < ARGV_MAX - 1);
		argv[n++] = s->extra[i];
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(argv[0], (char *const *)(const void *)argv);
	_exit(127);
}

void redis_server_restart(struct redis_server *s)
{
	must(s->pid == 0);
	s->pid = fork();
	must(s->pid >= 0);
	if (s->pid == 0)
		run(s);
	for (int waited = 0; !answers(s); waited += 5) {
		must(waited < START_MAX_MS);
		must(waitpid(s->pid, NULL, WNOHANG) == 0); /* it ended: see its log */
		poll(NULL, 0, 5);
	}
}

static void start(struct redis_server *s, const char *const *extra, bool tls)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->dir, sizeof(s->dir), "/tmp/drover-test-XXXXXX");
	must(mkdtemp(s->dir) != NULL);
	snprintf(s->socket, sizeof(s->socket), "%s/redis.sock", s->dir);
	s->extra = extra;
	s->port = tls ? 0 : free_port();
	s->tls_port = tls ? free_port() : 0;
	redis_server_restart(s);
}

void redis_server_start(struct redis_server *s, const char *const *extra)
{
	start(s, extra, false);
}

void redis_server_start_tls(struct redis_server *s, const char *const *extra)
{
	start(s, extra, true);
}

void redis_server_kill(struct redis_server *s, int signal)
{
	must(s->pid > 0 && kill(s->pid, signal) == 0);
	if (signal == SIGKILL || signal == SIGTERM) {
		must(waitpid(s->pid, NULL, 0) == s->pid);
		s->pid = 0;
	}
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

void redis_server_stop(struct redis_server *s)
{
	if (s->pid > 0)
		redis_server_kill(s, SIGKILL);
	nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* -- certificates -- */

static const char certificates[] =
	"set -e; cd \"$0\"; exec >log.openssl 2>&1\n"
	"key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
	"ca() { key $1; openssl req -x509 -new -key $1.key -subj /CN=$1 -days 2 -out $1.pem; }\n"
	"ca ca; ca other-ca\n"
	"echo 'subjectAltName=DNS:localhost,DNS:redis.test,IP:127.0.0.1' >names\n"
	/* make NAME DAYS */
	"make() { key $1; openssl req -new -key $1.key -subj /CN=$1 -out $1.csr\n"
	"  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days $2 \\\n"
	"    -extfile names -out $1.crt; cat $1.crt $1.key >$1.pem; }\n"
	"make server 2; make client 2; make expired -1\n";

void redis_server_make_certificates(const char *dir)
{
	pid_t pid = fork();
	int status;

	must(pid >= 0);
	if (pid == 0) {
		execlp("sh", "sh", "-c", certificates, dir, (char *)NULL);
		_exit(127);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0); /* see log.openssl */
}
