/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_SETTINGS_H
#define DATAPLANE_HANDOFF_SETTINGS_H

#include "dataplane/handoff/directory.h"

#include "dataplane/handoff/generation.h"
#include "dataplane/handoff/greylist.h"
#include "dataplane/handoff/limits.h"
#include "dataplane/handoff/mailbox_table.h"
#include "proto/address/address_map.h"
#include "proto/base/ip_address.h"
#include "proto/mime/mime_reader.h"
#include "proto/sasl/sasl_bearer.h"

/*
 * What workers need of the configuration: built by control, immutable once published, replaced
 * whole. The directory is shared by all settings and changes entry by entry; it outlives them.
 */
enum listener_protocol { LISTENER_SMTP, LISTENER_POP3, LISTENER_SUBMISSION, LISTENER_IMAP };

enum { SETTINGS_LISTENERS = 16, SETTINGS_NETWORKS = 32 };

struct network_list {
    uint32_t count;
    struct {
        struct ip_address address;
        uint8_t bits; /* of the address's own family */
    } network[SETTINGS_NETWORKS];
};

enum listener_tls { LISTENER_CLEAR, LISTENER_STARTTLS, LISTENER_IMPLICIT };

struct listener {
    uint16_t port;
    uint8_t protocol; /* enum listener_protocol */
    uint8_t tls;      /* enum listener_tls */
};

/* Whether mail to user+detail goes into the mailbox `detail`. */
enum settings_detail { SETTINGS_DETAIL_OFF, SETTINGS_DETAIL_EXISTING, SETTINGS_DETAIL_CREATE };

struct settings {
    char hostname[256];
    uint64_t version; /* counts reloads */
    uint32_t listener_count;
    struct listener listeners[SETTINGS_LISTENERS];
    uint64_t message_size_max;   /* bytes; SIZE announces it */
    uint64_t full_ms;            /* how long a full mailbox defers before it refuses; 0: for ever */
    uint32_t recipients_max;     /* at most MESSAGE_DELIVERIES */
    uint32_t errors_max;         /* refused commands until 421 */
    uint32_t idle_max;           /* commands that bring no message nearer until 421; 0: no limit */
    uint32_t messages_max;       /* a connection */
    uint32_t command_timeout_ms; /* from the end of one command to the end of the next */
    uint32_t data_timeout_ms;    /* between two pieces of message data */
    uint32_t end_timeout_ms;     /* from the final dot to the answer */
    uint32_t line_timeout_ms;    /* from the first byte of a command line to its end */
    uint32_t message_timeout_ms; /* from the connect or the last message to the end of the next */
    uint32_t pressure;           /* percent of sessions or chunks in use */
    uint32_t pressure_rate;      /* bytes a second of message data, under pressure; 0: none */
    struct network_list xclient_networks, proxy_networks;
    uint32_t proxy_timeout_ms;
    struct mime_limits mime;
    uint64_t mime_refused; /* anomalies for which a message is refused, by bit: of limits */
    uint32_t mechanisms;   /* of SASL that are offered: bits by enum sasl_mechanism */
    char oauth_scope[SASL_SCOPE_MAX + 1]; /* what clients are told whose token is refused */
    char oauth_discovery[SASL_DISCOVERY_MAX + 1];
    bool submission_cleartext; /* AUTH without TLS */
    bool submission_from;      /* From and Sender are checked, not the envelope alone */
    bool submission_privacy;   /* nothing tells where a message was submitted from */
    const struct address_maps *submission_maps; /* NULL: addresses stay. In the settings' own block
                                                 */
    uint32_t pop3_idle_ms;
    uint32_t pop3_failures_max;
    bool pop3_cleartext;         /* USER, PASS and AUTH without TLS */
    bool pop3_utf8_refuse;       /* what needs UTF8 is refused to clients that have not said it, not
                                    downgraded */
    uint32_t pop3_ahead;         /* bytes that a session reads ahead at most; 0: nothing */
    uint64_t pop3_ahead_all;     /* of all sessions of a worker */
    uint32_t pop3_login_delay_s; /* least seconds between two logins, announced; 0: none */
    uint32_t imap_idle_ms; /* between two commands; at least 30 minutes (RFC 9051 section 5.4) */
    uint32_t imap_login_ms; /* before the login */
    uint32_t imap_failures_max;
    bool imap_cleartext; /* LOGIN and AUTHENTICATE without TLS */
    uint8_t detail_folders; /* enum settings_detail */
    bool junk;              /* what would go to quarantine goes to the mailbox for junk, */
    char junk_name[256];    /* which is made under that name; empty: it is not made */
    uint32_t sample; /* one message in this many carries stamps of its own; 1 with --profile */
    uint32_t greet_delay_ms; /* silence asked of a client before its banner; 0: none */
    bool pregreet_refuse;    /* who talks before the banner is refused, not only noted */
    uint32_t tls_timeout_ms; /* of a handshake */
    uint32_t tls_handshakes; /* under way at a time, of a worker */
    struct limits limits;
    struct greylist greylist;
    struct directory *directory;
    uint32_t directory_timeout_ms;   /* for an answer about what it does not know */
    struct mailbox_table *mailboxes; /* which are full; like the directory. NULL: nobody
                                        asked a store */
    struct rule_generation *rules;
};

#endif
