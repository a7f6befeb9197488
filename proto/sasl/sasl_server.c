/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/sasl/sasl_server.h"

#include "proto/base/base64.h"
#include "proto/sasl/sasl_message.h"

static enum sasl_status challenge(struct sasl_server *s, struct span text)
{
    struct writer w = writer_of(s->challenge, sizeof(s->challenge));

    base64_put(&w, text);
    s->challenge_len = (uint16_t)w.len;
    return w.full ? SASL_BAD : SASL_CHALLENGE;
}

/* Keeps bytes behind what is kept already. */
static bool keep(struct sasl_server *s, struct span bytes, struct span *kept_out)
{
    *kept_out = span_of(s->text.data + s->text.len, bytes.len);
    writer_span_put(&s->text, bytes);
    return !s->text.full;
}

static enum sasl_status plain_step(struct sasl_server *s, struct span message)
{
    struct sasl_question *q = &s->question;
    struct sasl_plain plain;

    if (!sasl_plain_read(message, &plain))
        return SASL_BAD;
    q->kind = SASL_ASK_PASSWORD;
    q->identity = plain.identity;
    q->user = plain.user;
    q->password = plain.password;
    return SASL_ASK;
}

/* Two prompts that all clients of it look for or ignore. */
static enum sasl_status login_step(struct sasl_server *s, struct span message)
{
    struct sasl_question *q = &s->question;

    if (s->step == 1) {
        q->user = message;
        return sasl_word_good(message, SASL_NAME_MAX) ? challenge(s, span_text("Password:"))
                                                      : SASL_BAD;
    }
    q->kind = SASL_ASK_PASSWORD;
    q->password = message;
    return sasl_word_good(message, SASL_PASSWORD_MAX) ? SASL_ASK : SASL_BAD;
}

/* A name of SCRAM, decoded into `text`. */
static bool keep_name(struct sasl_server *s, struct span name, struct span *name_out)
{
    size_t start = s->text.len;

    if (!gs2_name_read(name, &s->text))
        return false;
    *name_out = span_skip(writer_span(&s->text), start);
    return name_out->len <= SASL_NAME_MAX;
}

/* Whether the mechanism with channel binding is offered beside this one. */
static bool plus_offered(const struct sasl_server *s)
{
    for (unsigned m = 0; m < SASL_MECHANISMS; m++) {
        const struct sasl_mechanism_row *row = sasl_mechanism_row((enum sasl_mechanism)m);

        if (s->terms.offered >> m & 1 && row->needs == SASL_NEEDS_BINDING &&
            row->hash == s->question.hash)
            return true;
    }
    return false;
}

/*
 * RFC 5802 section 6: a mechanism with channel binding is used with it, any other without; a client
 * that has it, and thinks that we have not, was shown another list of mechanisms than ours.
 * SASL_CHALLENGE: it may go on.
 */
static enum sasl_status bind(struct sasl_server *s, const struct scram_first *first)
{
    bool plus = sasl_mechanism_row((enum sasl_mechanism)s->mechanism)->needs == SASL_NEEDS_BINDING;

    if (plus != (first->header.flag == 'p'))
        return SASL_BAD;
    if (first->header.flag == 'y' && plus_offered(s))
        return SASL_DOWNGRADED;
    if (span_equal(first->header.binding, span_text("tls-exporter")))
        s->binding = s->terms.exporter;
    else if (span_equal(first->header.binding, span_text("tls-server-end-point")))
        s->binding = s->terms.end_point;
    return plus && s->binding.len == 0 ? SASL_UNBOUND : SASL_CHALLENGE;
}

static enum sasl_status scram_first(struct sasl_server *s, struct span message)
{
    struct scram_first first;
    enum sasl_status bound;

    if (!scram_first_read(message, &first))
        return SASL_BAD;
    bound = bind(s, &first);
    if (bound != SASL_CHALLENGE)
        return bound;
    if (!keep_name(s, first.header.identity, &s->question.identity) ||
        !keep_name(s, first.user, &s->question.user))
        return SASL_BAD;
    s->header = first.header.text;
    s->client_nonce = first.nonce;
    s->bare = first.bare;
    s->question.kind = SASL_ASK_SALT;
    return SASL_ASK;
}

/* "c=" has the gs2-header again and the channel binding behind it, "r=" both nonces: a message that
 * was begun otherwise, or on another connection, shows here, since both are in what is proved
 * (RFC 5802 section 5.1). */
static bool same_exchange(const struct sasl_server *s, const struct scram_final *final)
{
    uint8_t memory[SASL_TEXT_MAX];
    struct writer w = writer_of(memory, sizeof(memory));
    struct span said;

    if (!sasl_base64_read(final->binding, &w))
        return false;
    said = writer_span(&w);
    return span_equal(span_head(said, s->header.len), s->header) &&
           span_equal(span_skip(said, s->header.len), s->binding) &&
           span_equal(final->nonce, s->nonce);
}

static enum sasl_status scram_final(struct sasl_server *s, struct span message)
{
    struct sasl_question *q = &s->question;
    struct writer proof = writer_of(q->proof, sizeof(q->proof));
    struct scram_final final;

    if (!scram_final_read(message, &final) || !sasl_base64_read(final.proof, &proof) ||
        proof.len != scram_hash_size((enum scram_hash)q->hash))
        return SASL_BAD;
    /* No proof at all: it is judged, counted and answered like a wrong one. */
    if (!same_exchange(s, &final))
        memset(q->proof, 0, sizeof(q->proof));
    /* AuthMessage := client-first-message-bare + "," + server-first-message + "," +
     * client-final-message-without-proof; the first two and their commas stand before it. */
    q->message = span_between(q->message.data, final.without_proof.data + final.without_proof.len);
    q->kind = SASL_ASK_PROOF;
    return SASL_ASK;
}

static enum sasl_status scram_step(struct sasl_server *s, struct span message)
{
    switch (s->step) {
    case 1:
        return scram_first(s, message);
    case 2:
        return scram_final(s, message);
    default: /* the client has seen our signature */
        return message.len ? SASL_BAD : SASL_DONE;
    }
}

/* The identity to act as; empty: the certificate's own (RFC 4422 appendix A). */
static enum sasl_status external_step(struct sasl_server *s, struct span message)
{
    s->question.kind = SASL_ASK_EXTERNAL;
    s->question.identity = message;
    return message.len == 0 || sasl_word_good(message, SASL_NAME_MAX) ? SASL_ASK : SASL_BAD;
}

/* An empty token asks where tokens come from (RFC 7628 section 4.3): nobody has to judge it. */
static enum sasl_status ask_token(struct sasl_server *s, struct span token)
{
    s->question.kind = SASL_ASK_TOKEN;
    s->question.password = token;
    return token.len ? SASL_ASK : sasl_server_refused(s, "invalid_token");
}

/* Behind a refusal comes one octet, or nothing; whatever it is, the exchange has failed. */
static enum sasl_status oauthbearer_step(struct sasl_server *s, struct span message)
{
    struct sasl_bearer bearer;

    if (s->step > 1)
        return SASL_REFUSED;
    if (!sasl_oauthbearer_read(message, &bearer) ||
        !keep_name(s, bearer.identity, &s->question.identity))
        return SASL_BAD;
    return ask_token(s, bearer.token);
}

static enum sasl_status xoauth2_step(struct sasl_server *s, struct span message)
{
    struct sasl_bearer bearer;

    if (s->step > 1)
        return SASL_REFUSED;
    if (!sasl_xoauth2_read(message, &bearer))
        return SASL_BAD;
    s->question.identity = bearer.identity;
    return ask_token(s, bearer.token);
}

static enum sasl_status (*const steps[])(struct sasl_server *s, struct span message) = {
    [SASL_FAMILY_PLAIN] = plain_step,
    [SASL_FAMILY_LOGIN] = login_step,
    [SASL_FAMILY_SCRAM] = scram_step,
    [SASL_FAMILY_EXTERNAL] = external_step,
    [SASL_FAMILY_OAUTHBEARER] = oauthbearer_step,
    [SASL_FAMILY_XOAUTH2] = xoauth2_step,
};

/* A response, decoded, which is kept whole: questions point into it. */
static enum sasl_status read_response(struct sasl_server *s, struct span encoded)
{
    struct span text = writer_span(&s->text), message;

    if (!sasl_base64_read(encoded, &s->text))
        return SASL_BAD;
    message = span_skip(writer_span(&s->text), text.len);
    s->step++;
    return steps[sasl_mechanism_row((enum sasl_mechanism)s->mechanism)->family](s, message);
}

static void init(struct sasl_server *s, const struct sasl_terms *terms,
                 enum sasl_mechanism mechanism)
{
    memset(s, 0, offsetof(struct sasl_server, challenge));
    s->mechanism = (uint8_t)mechanism;
    s->terms = *terms;
    s->question.hash = sasl_mechanism_row(mechanism)->hash;
    s->text = writer_of(terms->memory,
                        sasl_server_has_token(mechanism) ? SASL_TOKEN_TEXT_MAX : SASL_TEXT_MAX);
}

enum sasl_status sasl_server_password(struct sasl_server *s, const struct sasl_terms *terms,
                                      struct span user, struct span password)
{
    struct sasl_question *q = &s->question;

    init(s, terms, SASL_PLAIN);
    if (!sasl_word_good(user, SASL_NAME_MAX) || !sasl_word_good(password, SASL_PASSWORD_MAX) ||
        !keep(s, user, &q->user) || !keep(s, password, &q->password))
        return SASL_BAD;
    q->kind = SASL_ASK_PASSWORD;
    return SASL_ASK;
}

enum sasl_status sasl_server_begin(struct sasl_server *s, const struct sasl_terms *terms,
                                   enum sasl_mechanism mechanism, struct span initial)
{
    const struct sasl_mechanism_row *row = sasl_mechanism_row(mechanism);

    init(s, terms, mechanism);
    if (!initial.data)
        return challenge(s, row->family == SASL_FAMILY_LOGIN ? span_text("Username:")
                                                             : span_of(NULL, 0));
    if (span_equal(initial, span_text("=")))
        initial.len = 0;
    return read_response(s, initial);
}

enum sasl_status sasl_server_line(struct sasl_server *s, struct span line)
{
    if (span_equal(line, span_text("*")))
        return SASL_CANCELLED;
    return read_response(s, line);
}

enum sasl_status sasl_server_salt(struct sasl_server *s, struct span salt, uint32_t iterations,
                                  const uint8_t *nonce)
{
    struct span bare, comma, first;
    size_t start;

    if (!keep(s, s->bare, &bare) || !keep(s, span_text(","), &comma))
        return SASL_BAD;
    start = s->text.len;
    scram_challenge_put(&s->text, s->client_nonce, span_of(nonce, SCRAM_SERVER_NONCE), salt,
                        iterations);
    if (s->text.full)
        return SASL_BAD;
    first = span_skip(writer_span(&s->text), start);
    s->nonce = span_of(first.data + 2, s->client_nonce.len + base64_size(SCRAM_SERVER_NONCE));
    s->question.message = bare;
    return keep(s, span_text(","), &comma) ? challenge(s, first) : SASL_BAD;
}

/*
 * server-final-message = verifier
 * verifier             = "v=" base64                                    ; RFC 5802 section 7
 */
enum sasl_status sasl_server_proved(struct sasl_server *s, const uint8_t *signature)
{
    uint8_t memory[64];
    struct writer w = writer_of(memory, sizeof(memory));

    writer_text(&w, "v=");
    base64_put(&w, span_of(signature, scram_hash_size((enum scram_hash)s->question.hash)));
    return challenge(s, writer_span(&w));
}

enum sasl_status sasl_server_refused(struct sasl_server *s, const char *status)
{
    uint8_t memory[SASL_REFUSAL_MAX];
    struct writer w = writer_of(memory, sizeof(memory));

    sasl_refusal_put(&w, status, s->terms.scope, s->terms.discovery);
    return challenge(s, writer_span(&w));
}

bool sasl_server_has_token(enum sasl_mechanism mechanism)
{
    uint8_t family = sasl_mechanism_row(mechanism)->family;

    return family == SASL_FAMILY_OAUTHBEARER || family == SASL_FAMILY_XOAUTH2;
}

void sasl_server_wipe(struct sasl_server *s)
{
    if (!s->text.data)
        return;
    explicit_bzero(s->text.data, s->text.len);
    explicit_bzero(s->question.proof, sizeof(s->question.proof));
    s->text.len = 0;
}
