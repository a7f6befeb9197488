/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SASL_SASL_SERVER_H
#define PROTO_SASL_SASL_SERVER_H

#include "proto/sasl/sasl_bearer.h"
#include "proto/sasl/scram_keys.h"

/*
 * One authentication exchange (RFC 4422), for every protocol that has one: the client's lines in,
 * challenges and questions to the directory out. It is fed the answers; it knows no password and no
 * key, and keeps what the client said until sasl_server_wipe().
 *
 * Lines are those of RFC 4954 and RFC 5034: base64, "*" cancels; an initial response of "=" is an
 * empty one.
 */
enum {
    SASL_LINE_MAX = 12288, /* octets of a line of an exchange with its CRLF (RFC 4954 section
                              4.3) */
    SASL_TEXT_MAX = 2560,  /* of what the client said in all, decoded; more is SASL_BAD */
    SASL_TOKEN_TEXT_MAX = SASL_LINE_MAX, /* the same of mechanisms with tokens */
    SASL_CHALLENGE_MAX = 700,            /* of a challenge in base64 */
};

enum sasl_status {
    SASL_CHALLENGE,  /* send sasl_server_challenge(), then feed the client's next line */
    SASL_ASK,        /* ask the directory `question`, then call the function that its kind names */
    SASL_DONE,       /* the client is who it says */
    SASL_CANCELLED,  /* the client said "*" */
    SASL_DOWNGRADED, /* it was made to believe that we have no channel binding */
    SASL_REFUSED,    /* the client has read why its token was refused */
    SASL_UNBOUND,    /* it binds the exchange by a type that this connection has not */
    SASL_BAD,        /* what it said is no base64 or not of the mechanism */
};

enum sasl_question_kind {
    SASL_ASK_PASSWORD, /* is `password` that of `user`, who may act as `identity`? Its answer ends
                          the exchange */
    SASL_ASK_SALT,     /* what is the salt of `user`? sasl_server_salt() */
    SASL_ASK_EXTERNAL, /* may who the connection's certificate is for act as `identity`? Its answer
                          ends the exchange */
    SASL_ASK_TOKEN, /* whose is the token `password`, and may that one act as `identity`? Yes ends
                       the exchange, no is sasl_server_refused() */
    SASL_ASK_PROOF, /* does `proof` over `message` show that `user`, who may act as `identity`,
                       knows the password? sasl_server_proved(); a refusal ends the exchange */
};

/*
 * What an exchange runs over. Borrowed until sasl_server_wipe(), but for the struct itself.
 *
 * `exporter` is tls-exporter (RFC 9266), `end_point` tls-server-end-point (RFC 5929 section 4);
 * empty: the connection has not that one.
 */
struct sasl_terms {
    uint32_t offered; /* the mechanisms that the client was told of */
    struct span exporter, end_point;
    struct span scope, discovery; /* what whose token is refused is told: the scope that is wanted,
                                     and a URL; at most SASL_SCOPE_MAX and SASL_DISCOVERY_MAX octets
                                     that are sasl_refusal_text_good() */
    uint8_t *memory;              /* for what the client says: SASL_TEXT_MAX octets or, with tokens,
                                     SASL_TOKEN_TEXT_MAX */
};

/* Spans are valid until sasl_server_wipe(). */
struct sasl_question {
    uint8_t kind; /* enum sasl_question_kind */
    uint8_t hash; /* enum scram_hash */
    struct span identity, user, password, message;
    uint8_t proof[SCRAM_KEY_MAX];
};

/* Private to sasl_server.c, but for `question`; here so that it can lie in a chunk. */
struct sasl_server {
    struct sasl_question question;
    uint8_t mechanism; /* enum sasl_mechanism */
    uint8_t step;      /* responses that were read */
    uint16_t challenge_len;
    struct sasl_terms terms;
    struct span binding;       /* of the type that the client has named */
    struct span header, nonce; /* SCRAM: gs2-header, the whole nonce; in `text` */
    struct span client_nonce, bare;
    struct writer text;
    uint8_t challenge[SASL_CHALLENGE_MAX];
};

/* Begins with one of the mechanisms that are offered. `initial`: the initial response as it stands
 * in the command; no data: there is none. */
enum sasl_status sasl_server_begin(struct sasl_server *s, const struct sasl_terms *terms,
                                   enum sasl_mechanism mechanism, struct span initial);
/* A name and a password that were said otherwise: asks about them, as PLAIN does. */
enum sasl_status sasl_server_password(struct sasl_server *s, const struct sasl_terms *terms,
                                      struct span user, struct span password);
/* The client's answer to a challenge, without its CRLF. */
enum sasl_status sasl_server_line(struct sasl_server *s, struct span line);
/* Answers SASL_ASK_SALT: SASL_CHALLENGE or, if the nonce is of no use, SASL_BAD. `nonce` has
 * SCRAM_SERVER_NONCE random octets. */
enum sasl_status sasl_server_salt(struct sasl_server *s, struct span salt, uint32_t iterations,
                                  const uint8_t *nonce);
/* Answers SASL_ASK_TOKEN with no: SASL_CHALLENGE, behind whose answer there is SASL_REFUSED.
 * `status` as in RFC 6750 section 3.1: "invalid_token" or "insufficient_scope". */
enum sasl_status sasl_server_refused(struct sasl_server *s, const char *status);
/* Answers SASL_ASK_PROOF with yes. `signature` has scram_hash_size() octets. */
enum sasl_status sasl_server_proved(struct sasl_server *s, const uint8_t *signature);
/* In base64; maybe empty. */
static inline struct span sasl_server_challenge(const struct sasl_server *s)
{
    return span_of(s->challenge, s->challenge_len);
}
/* Whether a mechanism has tokens, and so needs more memory. */
bool sasl_server_has_token(enum sasl_mechanism mechanism);
/* Nothing that the client said is kept. */
void sasl_server_wipe(struct sasl_server *s);

#endif
