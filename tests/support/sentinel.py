"""sentinel: a master, its replica and Sentinels on loopback, for tests of real failovers.

    watch = Watched(folder, tls=False, sentinels=1)   # starts all, waits until they know each other
    watch.url()                              # redis+sentinel://.../main/0
    watch.fail_over()                        # orderly, as an operator asks for it
    watch.until_promoted()                   # after the master was killed or stopped
    watch.cut_replication()                  # from now on the replica misses what is written
    watch.master, watch.replica, watch.sentinel, watch.sentinels, watch.end()

With tls=True the servers also listen with TLS, replicate by it, and url() leads there; the test
itself talks to the plain ports.
"""

import os
import signal
import subprocess

from rig import RedisError, RedisServer, free_port, until

NAME = "main"

CERTIFICATES = """
set -e; cd "$0"; exec >openssl.log 2>&1
key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
key ca; openssl req -x509 -new -key ca.key -subj /CN=ca -days 2 -out ca.pem
echo 'subjectAltName=DNS:localhost,IP:127.0.0.1' >names
key server; openssl req -new -key server.key -subj /CN=server -out server.csr
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
  -extfile names -out server.crt
"""


class Sentinel(RedisServer):
    """A redis-server that watches another one; its file of settings is written by itself too."""

    lines = ()

    def start(self):
        path = os.path.join(self.folder, "sentinel.conf")
        with open(path, "w") as file:
            file.write("".join(line + "\n" for line in (
                "port %d" % self.port, "bind 127.0.0.1", "dir %s" % self.folder) + self.lines))
        with open(os.path.join(self.folder, "redis.log"), "ab") as log:
            self.process = subprocess.Popen(["redis-server", path, "--sentinel"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self.answers, "the Sentinel to answer PING")
        return self

    def said(self):
        """Fields of what it knows about the master."""
        fields = self.call("SENTINEL", "MASTER", NAME)
        return dict(zip(fields[::2], fields[1::2]))


def role(server):
    """A Sentinel closes the connections of those whose role it changes."""
    try:
        return server.call("ROLE")[0]
    except OSError:
        return None


class Watched:
    def __init__(self, folder, tls=False, sentinels=1, down_after_ms=700):
        self.folder, self.tls = folder, tls
        self.tls_ports = {}
        if tls:
            subprocess.run(["sh", "-c", CERTIFICATES, folder], check=True)
        self.master = self.server("master")
        self.replica = self.server(
            "replica", replicaof="127.0.0.1 %d" % self.watched_port(self.master))
        until(lambda: "state=online" in self.master.call("INFO", "replication"),
              "the replica to follow")
        self.sentinels = [self.watcher(number, sentinels // 2 + 1, down_after_ms)
                          for number in range(sentinels)]
        self.sentinel = self.sentinels[0]
        until(lambda: all(map(self.knows_all, self.sentinels)), "the Sentinels to know all", 40)

    # -- making them -----------------------------------------------------------------------------
    def place(self, name):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        return folder

    def tls_options(self, port):
        if not self.tls:
            return {}
        self.tls_ports[port] = free_port()
        file = os.path.join(self.folder, "%s").__mod__
        return {"tls_port": self.tls_ports[port], "tls_replication": "yes",
                "tls_auth_clients": "no", "tls_ca_cert_file": file("ca.pem"),
                "tls_cert_file": file("server.crt"), "tls_key_file": file("server.key")}

    def server(self, name, **options):
        port = free_port()
        options.update(self.tls_options(port), repl_diskless_sync_delay=0)
        made = RedisServer(self.place(name), port=port, appendonly="yes", **options).start()
        made.call("ACL", "SETUSER", "drover", "on", ">sesame", "~*", "&*", "+@all")
        return made

    def watched_port(self, server):
        return self.tls_ports.get(server.port, server.port)

    def watcher(self, number, quorum, down_after_ms):
        made = Sentinel(self.place("sentinel%d" % number), port=free_port())
        made.lines = tuple("%s %s" % (key.replace("_", "-"), value)
                           for key, value in self.tls_options(made.port).items())
        made.lines += (
            "user watcher on >peep ~* &* +@all",
            "sentinel monitor %s 127.0.0.1 %d %d"
            % (NAME, self.watched_port(self.master), quorum),
            "sentinel down-after-milliseconds %s %d" % (NAME, down_after_ms),
            "sentinel failover-timeout %s 6000" % NAME)
        made.start()
        try:  # else it looks every 10 s, and demotes an old master 8 s after its return
            made.call("SENTINEL", "DEBUG", "INFO-PERIOD", "200", "PUBLISH-PERIOD", "250")
        except RedisError:
            pass  # before Redis 7 it takes its time
        return made

    # -- where -----------------------------------------------------------------------------------
    def url(self, *others, login="", query=""):
        """Further Sentinels, HOST:PORT, are named before those that live."""
        living = tuple("127.0.0.1:%d" % self.watched_port(one) for one in self.sentinels)
        where = ",".join(others + living)
        return "redis%s+sentinel://%s%s/%s/0%s" % ("s" if self.tls else "", login, where, NAME,
                                                  query)

    @property
    def ca_file(self):
        return os.path.join(self.folder, "ca.pem")

    # -- what happens ----------------------------------------------------------------------------
    def knows_all(self, sentinel):
        said = sentinel.said()
        if said["num-slaves"] != "1" or said["flags"] != "master":
            return False
        if said["num-other-sentinels"] != str(len(self.sentinels) - 1):
            return False
        fields = sentinel.call("SENTINEL", "REPLICAS", NAME)[0]
        replica = dict(zip(fields[::2], fields[1::2]))
        return replica["master-link-status"] == "ok"

    def fail_over(self):
        self.sentinel.call("SENTINEL", "FAILOVER", NAME)
        self.until_promoted()

    def until_promoted(self, timeout=30):
        """The Sentinel has told it, and tells others."""
        until(lambda: role(self.replica) == "master"
              and self.sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[1]
              == str(self.watched_port(self.replica)), "the replica to be promoted", timeout)

    def until_demoted(self):
        until(lambda: role(self.master) == "slave", "the old master to follow", 30)

    def cut_replication(self):
        """Those who are connected stay so; the replica must come again and is not let in."""
        self.master.call("CONFIG", "SET", "requirepass", "not told")
        self.master.call("CLIENT", "KILL", "TYPE", "replica")

    def until_replicated(self):
        def caught_up():
            _, offset, replicas = self.master.call("ROLE")
            return replicas and int(replicas[0][2]) == offset
        until(caught_up, "the replica to have all")

    def end(self, but=None):
        for server in (*self.sentinels, self.replica, self.master):
            if server is not but:
                server.end(signal.SIGKILL)
