/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_CONFIG_H
#define CONTROL_CONFIG_CONFIG_H

#include <stdio.h>

#include "control/config/config_dns.h"
#include "control/config/config_ldap.h"
#include "control/config/config_spf.h"
#include "control/record/record_type.h"
#include "proto/base/ip_address.h"

/*
 * The configuration as read from its file: every option of config_option.def with its value or its
 * default. Immutable after config_load(). All memory belongs to it and ends with config_free().
 *
 * Units of numbers: sizes in bytes, durations in microseconds, scores in thousandths. Texts end in
 * NUL and are empty where the option was left out. Relative paths were resolved against the
 * directory of the file.
 */
enum config_pmd { CONFIG_PMD_AF_PACKET, CONFIG_PMD_AF_XDP, CONFIG_PMD_TAP, CONFIG_PMD_EAL };
enum config_system_calls {
    CONFIG_SYSTEM_CALLS_REFUSE,
    CONFIG_SYSTEM_CALLS_KILL,
    CONFIG_SYSTEM_CALLS_ALL
};
enum config_pregreet { CONFIG_PREGREET_REFUSE, CONFIG_PREGREET_NOTE };
enum config_congestion { CONFIG_CONGESTION_CUBIC, CONFIG_CONGESTION_NEWRENO };
enum config_offload { CONFIG_OFFLOAD_AUTO, CONFIG_OFFLOAD_OFF };
enum config_role { CONFIG_ROLE_SERVE, CONFIG_ROLE_TAP };
enum config_idle { CONFIG_IDLE_ADAPTIVE, CONFIG_IDLE_BUSY };

/* A score that no message reaches. */
enum { CONFIG_SCORE_OFF = INT32_MAX };

struct config_engine {
    int64_t workers;
    int pmd; /* enum config_pmd */
    char *interface;
    char *device; /* pmd: eal; the EAL's --vdev or --allow argument as it stands */
    char **eal;
    uint32_t eal_count;
    int idle; /* enum config_idle */
    int64_t nap;
    int64_t burst;
    int64_t descriptors;
    int64_t mbufs; /* 0: as many as the pool's rule asks for */
    int64_t memory;
    bool checksum_offload;
    int tso, large_receive; /* enum config_offload */
    char *worker_cpus;      /* config_cpus() reads both; empty: chosen */
    char *control_cpus;     /* empty: all that the process had */
    int64_t connections;
    int64_t half_open;
    int64_t receive_window;
    int64_t send_limit;
    int64_t time_wait;
    int64_t chunks_large, chunks_medium, chunks_small;
    bool prefault;
    int64_t jobs, records;
    int64_t directory;
    int64_t node;
    char *user, *group; /* empty: the usual ones */
    int system_calls;   /* enum config_system_calls */
    bool core_files;
};

struct config_tcp {
    bool syn_cookies;
    int64_t prefix_v4, prefix_v6;
    int64_t prefix_connections, prefix_half_open; /* 0: no limit */
    int64_t out_of_order;
    int64_t keepalive; /* 0: none */
    int congestion;    /* enum config_congestion */
    int ecn;           /* enum tcp_ecn */
    int64_t flights;   /* 0: as many as the rule of struct tcp_options asks for */
};

/* An address with the length of its network's prefix, in bits of the address's own family. */
struct config_network {
    struct ip_address address;
    uint8_t prefix;
};

/* True when the address is of the same family and inside the prefix. */
bool config_network_contains(const struct config_network *network,
                             const struct ip_address *address);

struct config_ports {
    struct config_network *addresses;
    uint32_t addresses_count;
    struct ip_address *gateways;
    uint32_t gateways_count;
    struct config_network *proxy_networks;
    uint32_t proxy_networks_count;
    int64_t proxy_timeout;
    int64_t vlan; /* 0: untagged */
    int64_t dad;  /* 0: none */
};

/* The first gateway within the network of this one of our addresses; NULL: it has none. */
const struct ip_address *config_gateway(const struct config_ports *ports,
                                        const struct config_network *own);

struct config_listener {
    uint32_t line; /* where it stands in the file */
    uint16_t port;
    int protocol;            /* enum listener_protocol */
    int tls;                 /* enum listener_tls */
    int client_certificates; /* enum config_clients */
    char **certificates;     /* names of sets; none: those without one */
    uint32_t certificates_count;
};

enum config_clients { CONFIG_CLIENTS_NONE, CONFIG_CLIENTS_ASK, CONFIG_CLIENTS_REQUIRE };
enum config_tls_profile { CONFIG_TLS_MODERN, CONFIG_TLS_INTERMEDIATE, CONFIG_TLS_OLD };

struct config_certificate {
    uint32_t line; /* where it stands in the file */
    char *certificate, *key;
    char *passphrase, *ocsp; /* files; empty: none */
    char *set;               /* empty: of the listeners that name none */
};

struct config_tls {
    struct config_certificate *certificates;
    uint32_t certificates_count;
    int profile; /* enum config_tls_profile */
    int64_t threads, handshakes;
    int64_t handshake_timeout;
    char *ticket_keys; /* a file; empty: keys of its own */
    int64_t ticket_rotation;
    int64_t expiry_warning;
    char *client_ca; /* a file; empty: none */
};

struct config_smtp {
    int64_t message_size;
    int64_t recipients;
    int64_t errors;
    int64_t idle_commands; /* 0: no limit */
    int64_t messages;
    int64_t command_timeout, data_timeout, end_timeout, line_timeout, message_timeout;
    int64_t pressure, pressure_rate;
    struct config_network *xclient_networks;
    uint32_t xclient_networks_count;
    int64_t greet_delay; /* 0: none */
    int pregreet;        /* enum config_pregreet */
};

/* At a time, and within limits.window; 0: no limit. */
struct config_limit {
    int64_t sessions, connects, errors, messages, recipients, bytes;
};

struct config_limit_network {
    uint32_t line; /* where it stands in the file */
    struct config_network network;
    bool trusted;
    struct config_limit limit;
};

struct config_greylist {
    int64_t delay, window, expiry, timeout;
    int64_t networks_after; /* 0: never */
    int64_t cache;
};

/* In the order of the option's choices. */
enum config_ban { CONFIG_BAN_REPLY, CONFIG_BAN_RESET };

struct config_bans {
    int64_t failures; /* 0: nobody is banned for them */
    int64_t window, time, time_max;
    int answer; /* enum config_ban */
};

struct config_limits {
    int64_t window, counters;
    int64_t prefix_v4, prefix_v6;
    struct config_limit address, network, sender, sender_domain, account;
    struct config_bans ban;
    struct config_limit_network *networks;
    uint32_t networks_count;
};

/* In the order of the option's choices. */
enum config_utf8 { CONFIG_UTF8_DOWNGRADE, CONFIG_UTF8_REFUSE };

/* A client's certificate, by one of two, and whose it is. */
struct config_identity {
    uint32_t line;               /* where it stands in the file */
    char *fingerprint, *subject; /* empty: by the other */
    char *account;
};

struct config_issuer {
    uint32_t line; /* where it stands in the file */
    char *issuer;
    char **audience, **scope, **algorithms;
    uint32_t audience_count, scope_count, algorithms_count;
    char *claim, *domain;
    char *keys, *discovery, *introspection; /* URLs, or a file; empty: none */
    char *client_id, *client_secret, *ca;   /* the last two are files; empty: none */
};

struct config_oauth {
    struct config_issuer *issuers;
    uint32_t issuers_count;
    int64_t threads;
    int64_t timeout, clock_skew, key_lifetime, key_refetch;
    int64_t cache, cache_time;
};

struct config_auth {
    char **mechanisms; /* names; none: the default ones */
    uint32_t mechanisms_count;
    struct config_identity *certificates;
    uint32_t certificates_count;
    bool certificate_email;
    uint32_t offered; /* bits by enum sasl_mechanism; found by the check */
    int64_t threads;
};

enum config_hash {
    CONFIG_HASH_YESCRYPT,
    CONFIG_HASH_SCRYPT,
    CONFIG_HASH_BCRYPT,
    CONFIG_HASH_SHA512
};

struct config_directory {
    char **backends; /* names, each once; "yaml" comes first if it is there, and is asked anyway */
    uint32_t backends_count;
    int64_t cache, cache_absent;
    int64_t time_to_live, time_to_live_absent;
    int64_t timeout;
    int hash; /* enum config_hash */
};

struct config;
/* What a new hash of a password begins with, as crypt_gensalt(3) has it; static. */
const char *config_hash_prefix(const struct config *config);
/* What stands between user and detail in the domain of an address's key; 0: nothing. */
char config_detail_separator(const struct config *config, struct span key);

enum config_header_from { CONFIG_FROM_CHECK, CONFIG_FROM_ACCEPT };

enum config_canonical_side {
    CONFIG_CANONICAL_BOTH,
    CONFIG_CANONICAL_SENDER,
    CONFIG_CANONICAL_RECIPIENT
};

struct config_canonical {
    uint32_t line;      /* where it stands in the file */
    char *address, *to; /* as spelled */
    int applies_to;     /* enum config_canonical_side */
    /* Found by the check: */
    struct span key, target; /* as struct address_map_row has them */
};

struct config_masquerade {
    char **domains; /* as spelled, perhaps with "!" in front */
    uint32_t domains_count;
    char **except; /* local parts; in lower case after the check */
    uint32_t except_count;
    char **classes; /* words; none: all but recipients of the envelope */
    uint32_t classes_count;
    /* Found by the check: */
    struct span *keys; /* of `domains`, as struct address_maps has them */
    uint8_t bits;      /* enum address_map_class */
};

struct config_submission {
    bool allow_cleartext;
    int header_from; /* enum config_header_from */
    bool privacy;
    struct config_canonical *canonical;
    uint32_t canonical_count;
    char **canonical_classes; /* words; none: all */
    uint32_t canonical_classes_count;
    uint8_t canonical_bits; /* enum address_map_class; found by the check */
    struct config_masquerade masquerade;
};

/* Names of mailboxes, canonical after the check; "": none. */
struct config_special_use {
    char *drafts, *sent, *trash, *junk, *archive;
};

struct config_imap {
    int64_t idle_timeout, login_timeout, failures, threads;
    bool allow_cleartext;
    int detail_folders; /* enum settings_detail */
    struct config_special_use special_use;
};

struct config_index {
    bool enabled;
    int64_t text, files;
};

struct config_pop3 {
    int64_t idle_timeout;
    int64_t failures;
    int64_t failure_delay, failure_delay_max; /* microseconds, like the next */
    int64_t login_delay;
    int64_t read_ahead, read_ahead_all; /* bytes */
    bool allow_cleartext;
    int utf8_downgrade; /* enum config_utf8 */
};

enum config_store_kind { CONFIG_STORE_ROCKSDB, CONFIG_STORE_MEMORY };

struct config_store {
    int kind; /* enum config_store_kind */
    int64_t memory;
    bool prefault;
    char *path;
    bool sync;
    int64_t quota;         /* 0: none */
    int64_t reserve;       /* 0: none */
    int64_t full_days;     /* 0: never */
    int64_t tombstone_age; /* 0: for ever */
    int64_t tombstones;    /* 0: all */
};

enum config_quarantine_place { CONFIG_PLACE_QUARANTINE, CONFIG_PLACE_JUNK };

struct config_quarantine {
    int64_t quota;  /* 0: none */
    int full;       /* enum store_quarantine_full */
    int64_t expiry; /* 0: none */
    int place;      /* enum config_quarantine_place */
};

enum config_log_format { CONFIG_LOG_FORMAT_TEXT, CONFIG_LOG_FORMAT_JSON };

struct config_log {
    int target; /* enum log_target */
    char *path;
    int facility; /* the place among its words */
    int format;   /* enum config_log_format */
};

struct config_records {
    char *path; /* "-": standard output; empty: no records */
    int64_t rotate_size;
    int64_t retention[RECORD_TYPES]; /* 0: for ever */
    int privacy[RECORD_CLASSES];     /* enum record_privacy_action */
    int64_t key_rotation, key_kept;
    char *keys; /* a file; empty: in memory alone */
};

enum config_over { CONFIG_OVER_SCAN, CONFIG_OVER_REFUSE };

struct config_mime {
    int64_t depth, parts, header_size, header_lines;
    int depth_over, parts_over, header_size_over, header_lines_over; /* enum config_over */
};

struct config_rules {
    char **files;
    uint32_t files_count;
    char *cache; /* a directory; empty: compiled rules are not kept */
    int64_t streams;
    int64_t scan_time; /* nanoseconds for a KiB */
};

/* What mail to an address ends in: places among the accounts, each once. */
struct config_accounts {
    uint32_t *at;
    uint32_t count;
    struct span *elsewhere; /* of aliases on the way: addresses on other servers */
    uint32_t elsewhere_count;
    struct span forwarder; /* who passes that mail on */
};

struct config_domain {
    uint32_t line; /* where it stands in the file */
    char *name;    /* as spelled */
    char *tenant;  /* whose it is */
    int class;     /* enum directory_class */
    int64_t quarantine_score, reject_score;
    bool case_sensitive;
    bool greylist;
    char *detail_separator; /* one character, or none */
    char *catch_all;        /* an address; empty: none */
    /* Found by the check: */
    struct span key; /* as A-labels in lower case */
    struct config_accounts caught, postmaster, abuse;
};

struct config_account {
    uint32_t line;                     /* where it stands in the file */
    char *address;                     /* as spelled */
    char *password;                    /* a crypt(3) hash */
    char *scram_sha_256, *scram_sha_1; /* stored keys; empty: none */
    char **send_as;                    /* addresses as spelled, or "@" and a domain */
    uint32_t send_as_count;
    char **forward; /* addresses on other servers, as spelled */
    uint32_t forward_count;
    bool keep_copy; /* what is forwarded is in its mailbox too */
    /* Found by the check: */
    uint32_t domain;        /* its place among the domains */
    struct span key;        /* as the directory and the store have it */
    struct span mailbox;    /* the local part as spelled, the domain as A-labels */
    struct span *elsewhere; /* the same of `forward` */
};

struct config_alias {
    uint32_t line;  /* where it stands in the file */
    char *address;  /* as spelled */
    char **members; /* as spelled */
    uint32_t members_count;
    char **forward; /* addresses on other servers, as spelled */
    uint32_t forward_count;
    /* Found by the check: */
    uint32_t domain;        /* its place among the domains */
    struct span key;        /* as the directory has it */
    struct span mailbox;    /* the local part as spelled, the domain as A-labels */
    struct span *elsewhere; /* the same of `forward` */
    struct config_accounts accounts;
};

struct config_tap_port {
    uint32_t line; /* where it stands in the file */
    int pmd;       /* enum config_pmd */
    char *interface;
    char *device;
};

enum { CONFIG_TAP_PORTS = 4 };

struct config_tap {
    struct config_tap_port *ports;
    uint32_t ports_count;
    int policy; /* the place among its words */
    bool ignore_checksums, commands, secrets;
    char *extract; /* a directory; empty: nothing is written */
    char *keylog;  /* a file; empty: no TLS is opened */
    int64_t flows, messages, idle, memory, queue;
    int64_t statistics; /* 0: at the end alone */
};

struct config_api_listener {
    uint32_t line; /* where it stands in the file */
    struct ip_address address;
    uint16_t port;
    char *certificate, *key; /* files; both empty: in the clear */
    bool allow_cleartext;
};

enum { CONFIG_API_LISTENERS = 8 };

struct config_api {
    struct config_api_listener *listeners;
    uint32_t listeners_count;
    int64_t connections, connections_address; /* the latter 0: no limit */
    int64_t body_size, import_size;
    int64_t idle_timeout, request_timeout;
    int64_t threads;
};

struct config {
    int role; /* enum config_role */
    char *hostname;
    struct config_tap tap;
    struct config_engine engine;
    struct config_tcp tcp;
    struct config_ports network;
    struct config_listener *listeners;
    uint32_t listeners_count;
    struct config_tls tls;
    struct config_smtp smtp;
    struct config_limits limits;
    struct config_greylist greylist;
    struct config_auth auth;
    struct config_oauth oauth;
    struct config_dns dns;
    struct config_spf spf;
    struct config_directory directory;
    struct config_submission submission;
    struct config_imap imap;
    struct config_index index;
    struct config_pop3 pop3;
    struct config_store store;
    struct config_quarantine quarantine;
    int64_t audit_retention; /* 0: for ever */
    struct config_rules rules;
    struct config_mime mime;
    struct config_domain *domains;
    uint32_t domains_count;
    struct span *tenants; /* names of the domains' tenants, each once; found by the check */
    uint32_t tenants_count;
    struct span *domain_keys; /* of the domains, in their order; found by the check */
    struct config_account *accounts;
    uint32_t accounts_count;
    struct config_alias *aliases;
    uint32_t aliases_count;
    struct config_ldap *ldap;
    uint32_t ldap_count;
    struct config_records records;
    char *ctl_socket;
    struct config_api api;
    char *metrics_listen; /* config_endpoint() reads it; empty: no metrics */
    int log_level;        /* enum log_level */
    struct config_log log;
    int64_t profile_sample;
    struct config_memory *memory;
};

/*
 * What is wrong with a file, all of it: lines "file:line: option: what was expected". `count` goes
 * on when the text is full.
 */
enum { CONFIG_ERRORS_TEXT = 32768 };

struct config_errors {
    uint32_t count;
    struct writer text;
    uint8_t bytes[CONFIG_ERRORS_TEXT];
};

/* Largest file that is read, in bytes. */
enum { CONFIG_FILE_MAX = 16 << 20 };

/* NULL: see the errors. Starts and changes nothing. */
struct config *config_load(const char *path, struct config_errors *errors_out);
/* The same from memory; `path` names the text in errors, and its directory is the root of relative
 * paths. */
struct config *config_read(struct span text, const char *path, struct config_errors *errors_out);
void config_free(struct config *config);
/* A configuration of its own with the LDAP directories of another one, and of its domains the keys
 * and whether they keep case; nothing else is in it. NULL: no memory. */
struct config *config_copy_ldap(const struct config *config);
/* Puts lines about what is no error and may still surprise. */
void config_warn(const struct config *config, struct writer *out);

/* The default of an option as it would be written, by its path ("ctl.socket"); NULL where there is
 * none. */
const char *config_default(const char *path);

/* The first option that differs and cannot change while the engine runs, NULL when there is none.
 */
const char *config_fixed_difference(const struct config *a, const struct config *b);

/* Reads the file for an engine that runs by `running`. NULL, with lines of reasons in `why`: it has
 * errors, or asks for what cannot change. */
struct config *config_reread(const char *path, const struct config *running, struct writer *why);

/* The reference of all options as Markdown, from the table, into a stream. */
void config_markdown(FILE *out);

/* endpoint = IPv4address ":" port / "[" IPv6address "]" ":" port. False when it is none. */
bool config_endpoint(const char *text, struct ip_address *address_out, uint16_t *port_out);

/*
 * Reads a CPU list: numbers and ranges, "0-1,4", each below 1024, ascending or not. Sets their bits
 * in a set of 1024 bits (the layout of cpu_set_t). False when it is none; an empty text is none.
 */
bool config_cpus(const char *text, uint64_t bits_out[16]);

#endif
