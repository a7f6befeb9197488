/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/spf/spf_header.h"

#include "proto/base/field_writer.h"

enum { WORD_MAX = 900 };

/* What was checked, as it may stand in a comment, or between quotes. */
static void put_identity(struct writer *w, const struct spf_check *c, bool helo,
                         const char *special)
{
    if (!helo) {
        field_writer_escaped(w, c->query.local, special);
        writer_byte(w, '@');
    }
    field_writer_escaped(w, c->query.domain, special);
}

/* key-value-pair = key [CFWS] "=" ( dot-atom / quoted-string ) */
static void put_pair(struct field_writer *f, const char *key, struct span value)
{
    uint8_t text[WORD_MAX];
    struct writer w = writer_of(text, sizeof(text));

    writer_text(&w, key);
    writer_byte(&w, '=');
    field_writer_value(&w, value);
    writer_byte(&w, ';');
    field_writer_word(f, writer_span(&w));
}

/* The words around the identity and the address, as in the examples of section 9.1. */
static const struct {
    const char *before, *between, *behind;
    bool address; /* the address stands between and behind */
} said[] = {
    [SPF_RESULT_PASS] = {"domain of", "designates", "as permitted sender", true},
    [SPF_RESULT_FAIL] = {"domain of", "does not designate", "as permitted sender", true},
    [SPF_RESULT_SOFTFAIL] = {"transitioning domain of", "does not designate", "as permitted sender",
                             true},
    [SPF_RESULT_NEUTRAL] = {"domain of", "neither permits nor denies", "", true},
    [SPF_RESULT_NONE] = {"no SPF record for", "", "", false},
    [SPF_RESULT_TEMPERROR] = {"temporary error in processing domain of", "", "", false},
    [SPF_RESULT_PERMERROR] = {"permanent error in processing domain of", "", "", false},
};

static void put_comment(struct field_writer *f, const struct spf_check *c, struct span receiver,
                        bool helo, struct span ip)
{
    uint8_t text[WORD_MAX];
    struct writer w = writer_of(text, sizeof(text));

    writer_byte(&w, '(');
    field_writer_escaped(&w, receiver, "()\\");
    writer_byte(&w, ':');
    field_writer_word(f, writer_span(&w));
    field_writer_words(f, said[c->result].before);
    w = writer_of(text, sizeof(text));
    put_identity(&w, c, helo, "()\\");
    if (said[c->result].address) {
        field_writer_word(f, writer_span(&w));
        field_writer_words(f, said[c->result].between);
        w = writer_of(text, sizeof(text));
        writer_span_put(&w, ip);
        if (said[c->result].behind[0]) {
            field_writer_word(f, writer_span(&w));
            field_writer_words(f, "as permitted");
            w = writer_of(text, sizeof(text));
            writer_text(&w, "sender");
        }
    }
    writer_byte(&w, ')');
    field_writer_word(f, writer_span(&w));
}

void spf_header_received(struct writer *w, const struct spf_check *c, struct span receiver,
                         bool helo)
{
    uint8_t text[IP_ADDRESS_TEXT], sender[2 * SPF_IDENTITY_MAX + 1];
    struct writer ip = writer_of(text, sizeof(text)), from = writer_of(sender, sizeof(sender));
    struct field_writer f = {.out = w};

    ip_address_put(&ip, &c->query.ip);
    field_writer_word(&f, span_text("Received-SPF:"));
    field_writer_word(&f, span_text(spf_result_word(c->result)));
    put_comment(&f, c, receiver, helo, writer_span(&ip));
    put_pair(&f, "client-ip", writer_span(&ip));
    if (!helo) {
        writer_span_put(&from, c->query.local);
        writer_byte(&from, '@');
        writer_span_put(&from, c->query.domain);
        put_pair(&f, "envelope-from", writer_span(&from));
    }
    put_pair(&f, "helo", c->query.helo);
    put_pair(&f, "receiver", receiver);
    put_pair(&f, "identity", span_text(helo ? "helo" : "mailfrom"));
    if (c->reason == SPF_MATCH)
        put_pair(&f, "mechanism", c->fault);
    else if (c->result == SPF_RESULT_TEMPERROR || c->result == SPF_RESULT_PERMERROR)
        put_pair(&f, "problem", span_text(spf_reason_what(c->reason)));
    writer_text(w, "\r\n");
}

/* propspec = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue, whose pvalue may be an address. */
static void put_property(struct field_writer *f, const struct spf_check *c, bool helo)
{
    uint8_t text[WORD_MAX];
    struct writer w = writer_of(text, sizeof(text));

    writer_text(&w, helo ? "smtp.helo=" : "smtp.mailfrom=");
    if (!helo && field_writer_is_atom(c->query.domain)) {
        field_writer_value(&w, c->query.local);
        writer_byte(&w, '@');
    }
    field_writer_value(&w, c->query.domain);
    field_writer_word(f, writer_span(&w));
}

void spf_header_results(struct writer *w, const struct spf_check *c, struct span authserv_id,
                        bool helo)
{
    uint8_t text[WORD_MAX];
    struct writer word = writer_of(text, sizeof(text));
    struct field_writer f = {.out = w};

    field_writer_word(&f, span_text("Authentication-Results:"));
    field_writer_value(&word, authserv_id);
    writer_byte(&word, ';');
    field_writer_word(&f, writer_span(&word));
    word = writer_of(text, sizeof(text));
    writer_text(&word, "spf=");
    writer_text(&word, spf_result_word(c->result));
    field_writer_word(&f, writer_span(&word));
    if (c->result == SPF_RESULT_TEMPERROR || c->result == SPF_RESULT_PERMERROR) {
        word = writer_of(text, sizeof(text));
        writer_text(&word, "reason=");
        field_writer_value(&word, span_text(spf_reason_what(c->reason)));
        field_writer_word(&f, writer_span(&word));
    }
    put_property(&f, c, helo);
    writer_text(w, "\r\n");
}
