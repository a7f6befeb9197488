/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/spf/spf_header.h"

#include "proto/base/peer_text.h"

enum {
    SHOWN_MAX = 400, /* bytes of a text that are shown: also with a backslash before each it fits a
                        line (RFC 5322 section 2.1.1, at most 998) */
    WORD_MAX = 900,
};

/* A field under way: words, with blanks or folds between them. */
struct field {
    struct writer *out;
    size_t column;
};

static void put_word(struct field *f, struct span word)
{
    if (f->column == 0) {
        f->column = word.len;
    } else if (f->column + 1 + word.len > SPF_HEADER_LINE) {
        writer_text(f->out, "\r\n ");
        f->column = 1 + word.len;
    } else {
        writer_byte(f->out, ' ');
        f->column += 1 + word.len;
    }
    writer_span_put(f->out, word);
}

static void put_words(struct field *f, const char *text)
{
    struct span rest = span_text(text);

    while (rest.len) {
        ptrdiff_t blank = span_find(rest, ' ');
        size_t len = blank < 0 ? rest.len : (size_t)blank;

        put_word(f, span_head(rest, len));
        rest = span_skip(rest, len + 1);
    }
}

/* RFC 5322 section 3.2.3, dot-atom-text, and a token of RFC 2045 section 5.1 too. */
static bool is_atom(struct span s)
{
    bool dot = true;

    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];

        if (c == '.' ? dot : c <= ' ' || c > '~' || strchr("()<>[]:;@\\,\"/?=", c) != NULL)
            return false;
        dot = c == '.';
    }
    return !dot && s.len <= SHOWN_MAX;
}

/* Bytes of a peer, printable, with a backslash before what is special there. */
static void put_escaped(struct writer *w, struct span bytes, const char *special)
{
    uint8_t text[SHOWN_MAX];
    struct writer clean = writer_of(text, sizeof(text));

    peer_text(&clean, bytes, sizeof(text), PEER_TEXT_ASCII);
    for (size_t i = 0; i < clean.len; i++) {
        if (strchr(special, text[i]))
            writer_byte(w, '\\');
        writer_byte(w, text[i]);
    }
}

/* What was checked, as it may stand in a comment, or between quotes. */
static void put_identity(struct writer *w, const struct spf_check *c, bool helo,
                         const char *special)
{
    if (!helo) {
        put_escaped(w, c->query.local, special);
        writer_byte(w, '@');
    }
    put_escaped(w, c->query.domain, special);
}

/* As it stands, or as a quoted-string. */
static void put_value(struct writer *w, struct span value)
{
    if (is_atom(value)) {
        writer_span_put(w, value);
        return;
    }
    writer_byte(w, '"');
    put_escaped(w, value, "\"\\");
    writer_byte(w, '"');
}

/* key-value-pair = key [CFWS] "=" ( dot-atom / quoted-string ) */
static void put_pair(struct field *f, const char *key, struct span value)
{
    uint8_t text[WORD_MAX];
    struct writer w = writer_of(text, sizeof(text));

    writer_text(&w, key);
    writer_byte(&w, '=');
    put_value(&w, value);
    writer_byte(&w, ';');
    put_word(f, writer_span(&w));
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

static void put_comment(struct field *f, const struct spf_check *c, struct span receiver, bool helo,
                        struct span ip)
{
    uint8_t text[WORD_MAX];
    struct writer w = writer_of(text, sizeof(text));

    writer_byte(&w, '(');
    put_escaped(&w, receiver, "()\\");
    writer_byte(&w, ':');
    put_word(f, writer_span(&w));
    put_words(f, said[c->result].before);
    w = writer_of(text, sizeof(text));
    put_identity(&w, c, helo, "()\\");
    if (said[c->result].address) {
        put_word(f, writer_span(&w));
        put_words(f, said[c->result].between);
        w = writer_of(text, sizeof(text));
        writer_span_put(&w, ip);
        if (said[c->result].behind[0]) {
            put_word(f, writer_span(&w));
            put_words(f, "as permitted");
            w = writer_of(text, sizeof(text));
            writer_text(&w, "sender");
        }
    }
    writer_byte(&w, ')');
    put_word(f, writer_span(&w));
}

void spf_header_received(struct writer *w, const struct spf_check *c, struct span receiver,
                         bool helo)
{
    uint8_t text[IP_ADDRESS_TEXT], sender[2 * SPF_IDENTITY_MAX + 1];
    struct writer ip = writer_of(text, sizeof(text)), from = writer_of(sender, sizeof(sender));
    struct field f = {.out = w};

    ip_address_put(&ip, &c->query.ip);
    put_word(&f, span_text("Received-SPF:"));
    put_word(&f, span_text(spf_result_word(c->result)));
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
static void put_property(struct field *f, const struct spf_check *c, bool helo)
{
    uint8_t text[WORD_MAX];
    struct writer w = writer_of(text, sizeof(text));

    writer_text(&w, helo ? "smtp.helo=" : "smtp.mailfrom=");
    if (!helo && is_atom(c->query.domain)) {
        put_value(&w, c->query.local);
        writer_byte(&w, '@');
    }
    put_value(&w, c->query.domain);
    put_word(f, writer_span(&w));
}

void spf_header_results(struct writer *w, const struct spf_check *c, struct span authserv_id,
                        bool helo)
{
    uint8_t text[WORD_MAX];
    struct writer word = writer_of(text, sizeof(text));
    struct field f = {.out = w};

    put_word(&f, span_text("Authentication-Results:"));
    put_value(&word, authserv_id);
    writer_byte(&word, ';');
    put_word(&f, writer_span(&word));
    word = writer_of(text, sizeof(text));
    writer_text(&word, "spf=");
    writer_text(&word, spf_result_word(c->result));
    put_word(&f, writer_span(&word));
    if (c->result == SPF_RESULT_TEMPERROR || c->result == SPF_RESULT_PERMERROR) {
        word = writer_of(text, sizeof(text));
        writer_text(&word, "reason=");
        put_value(&word, span_text(spf_reason_what(c->reason)));
        put_word(&f, writer_span(&word));
    }
    put_property(&f, c, helo);
    writer_text(w, "\r\n");
}
