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

    if (!scram_name_read(name, &s->text))
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

    if (plus != (first->flag == 'p'))
        return SASL_BAD;
    if (first->flag == 'y' && plus_offered(s))
        return SASL_DOWNGRADED;
    if (span_equal(first->binding, span_text("tls-exporter")))
        s->binding = s->terms.exporter;
    else if (span_equal(first->binding, span_text("tls-server-end-point")))
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
    if (!keep_name(s, first.identity, &s->question.identity) ||
        !keep_name(s, first.user, &s->question.user))
        return SASL_BAD;
    s->header = first.header;
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

static enum sasl_status (*const steps[])(struct sasl_server *s, struct span message) = {
    [SASL_FAMILY_PLAIN] = plain_step,
    [SASL_FAMILY_LOGIN] = login_step,
    [SASL_FAMILY_SCRAM] = scram_step,
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

enum sasl_status sasl_server_begin(struct sasl_server *s, const struct sasl_terms *terms,
                                   enum sasl_mechanism mechanism, struct span initial)
{
    const struct sasl_mechanism_row *row = sasl_mechanism_row(mechanism);

    memset(s, 0, offsetof(struct sasl_server, challenge));
    s->mechanism = (uint8_t)mechanism;
    s->terms = *terms;
    s->question.hash = row->hash;
    s->text = writer_of(s->memory, sizeof(s->memory));
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

void sasl_server_wipe(struct sasl_server *s)
{
    explicit_bzero(s->memory, s->text.len);
    explicit_bzero(s->question.proof, sizeof(s->question.proof));
    s->text.len = 0;
}
