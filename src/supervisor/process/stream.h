#ifndef DROVER_SUPERVISOR_STREAM_H
#define DROVER_SUPERVISOR_STREAM_H
struct stream_spec {
	const char *url, *username, *password, *ca_file, *cert_file, *key_file, *server_name, *prefix;
	const char *kind, *key;
};
#endif
