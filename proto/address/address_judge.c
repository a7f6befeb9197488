/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address_judge.h"

#include "proto/address/address_char.h"
#include "proto/base/utf8.h"

enum { LABEL_MAX = 63, BLANKS = 1, COMMENT = 2 };

struct judge {
    const uint8_t *start, *at, *end;
    struct address_judgement *out;
};

static const uint8_t grade_of[ADDRESS_REASONS] = {
#define REASON(NAME, name, GRADE, what) ADDRESS_GRADE_##GRADE,
#include "proto/address/address_reason.def"
#undef REASON
};

static bool failed(const struct judge *j)
{
    return j->out->grade == ADDRESS_GRADE_INVALID;
}

/* The worst reason counts, and of what makes it invalid the first. Returns false, for failures. */
static bool say(struct judge *j, enum address_reason reason)
{
    if (!failed(j) && reason > j->out->reason) {
        j->out->reason = reason;
        j->out->grade = (enum address_grade)grade_of[reason];
        j->out->offset = (size_t)(j->at - j->start);
    }
    return false;
}

static int peek(const struct judge *j)
{
    return address_char_at(j->at, j->end);
}

/* obs-NO-WS-CTL = %d1-8 / %d11 / %d12 / %d14-31 / %d127 */
static bool is_control(int c)
{
    return (c > 0 && c < 32 && c != '\t' && c != '\r' && c != '\n') || c == 127;
}

/* One UTF8-non-ascii above U+009F: its bytes, 0 when there is none here. */
static size_t utf8_here(const struct judge *j)
{
    struct span rest = span_between(j->at, j->end);

    return rest.len ? utf8_length(rest) : 0;
}

/* quoted-pair = ("\" (VCHAR / WSP)) / obs-qp;  at the backslash */
static bool quoted_pair(struct judge *j)
{
    size_t n;
    int c;

    j->at++;
    c = peek(j);
    if (c < 0)
        return say(j, ADDRESS_REASON_BACKSLASH);
    if (c == '\t') /* WSP to RFC 5322, and not of quoted-pairSMTP */
        say(j, ADDRESS_REASON_BLANKS);
    else if (c < 32 || c == 127)
        say(j, ADDRESS_REASON_OLD_PAIR);
    if (c < 128) {
        j->at++;
        return true;
    }
    n = utf8_here(j);
    if (n == 0)
        return say(j, ADDRESS_REASON_CHARACTER);
    say(j, ADDRESS_REASON_QUOTED_UTF8);
    j->at += n;
    return true;
}

/*
 * FWS = ([*WSP CRLF] 1*WSP) / obs-FWS;  obs-FWS = 1*WSP *(CRLF 1*WSP). False when it is broken;
 * *seen_out says whether there was any.
 */
static bool folds(struct judge *j, bool *seen_out)
{
    unsigned lines = 0;

    for (;; *seen_out = true) {
        int c = peek(j);

        if (c == ' ' || c == '\t') {
            j->at++;
            continue;
        }
        if (c != '\r')
            return true;
        if (j->end - j->at < 2 || j->at[1] != '\n')
            return say(j, ADDRESS_REASON_CR);
        if (++lines > 1)
            say(j, ADDRESS_REASON_OLD_FOLD);
        j->at += 2;
        if (peek(j) != ' ' && peek(j) != '\t')
            return say(j, ADDRESS_REASON_FOLD);
    }
}

/* What may stand in a comment or a quoted string as it is: one character. */
static bool plain(struct judge *j, enum address_reason old)
{
    int c = peek(j);
    size_t n = 1;

    if (is_control(c))
        say(j, old);
    else if (c >= 128)
        n = utf8_here(j);
    else if (c < 32)
        n = 0;
    if (n == 0)
        return say(j, ADDRESS_REASON_CHARACTER);
    j->at += n;
    return true;
}

/* A quoted pair, white space, or one character as it is. */
static bool piece(struct judge *j, enum address_reason old)
{
    int c = peek(j);
    bool blanks = false;

    if (c == '\\')
        return quoted_pair(j);
    if (c == ' ' || c == '\t' || c == '\r')
        return folds(j, &blanks);
    return plain(j, old);
}

/* comment = "(" *([FWS] ccontent) [FWS] ")";  ccontent = ctext / quoted-pair / comment */
static bool comment(struct judge *j)
{
    size_t depth = 0;

    do {
        int c = peek(j);

        if (c < 0)
            return say(j, ADDRESS_REASON_COMMENT_OPEN);
        if (c == '(' || c == ')') {
            depth = c == '(' ? depth + 1 : depth - 1;
            j->at++;
        } else if (!piece(j, ADDRESS_REASON_OLD_CTEXT)) {
            return false;
        }
    } while (depth > 0);
    return true;
}

/* CFWS = (1*([FWS] comment) [FWS]) / FWS. *seen_out: BLANKS, COMMENT. */
static bool cfws(struct judge *j, unsigned *seen_out)
{
    *seen_out = 0;
    for (;;) {
        bool blanks = false;

        if (!folds(j, &blanks))
            return false;
        *seen_out |= blanks ? BLANKS : 0u;
        if (peek(j) != '(')
            return true;
        *seen_out |= COMMENT;
        if (!comment(j))
            return false;
    }
}

static void say_around(struct judge *j, unsigned seen)
{
    if (seen & BLANKS)
        say(j, ADDRESS_REASON_BLANKS);
    if (seen & COMMENT)
        say(j, ADDRESS_REASON_COMMENT);
}

/* quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE;  at the first quote */
static bool quoted_string(struct judge *j)
{
    j->at++;
    while (peek(j) != '"') {
        int c = peek(j);
        bool folded = false;

        if (c < 0)
            return say(j, ADDRESS_REASON_QUOTED_OPEN);
        if (c == '\\') {
            if (!quoted_pair(j))
                return false;
        } else if (c == '\t' || c == '\r') {
            if (!folds(j, &folded))
                return false;
            /* A tab or a fold is white space to RFC 5322 and no qtextSMTP. */
            say(j, ADDRESS_REASON_BLANKS);
        } else if (!plain(j, ADDRESS_REASON_OLD_QTEXT)) {
            return false;
        }
    }
    j->at++;
    return true;
}

/* 1*atext, UTF-8 included. False when there is none. */
static bool atom(struct judge *j)
{
    const uint8_t *begin = j->at;

    for (size_t n = 1; n; j->at += n)
        n = address_char_atext(peek(j)) ? 1 : utf8_here(j);
    return j->at > begin;
}

/* Where a word was to begin stands none: why. `n` words were read. */
static bool no_word(struct judge *j, size_t n, enum address_reason empty)
{
    int c = peek(j);

    if (c == '.')
        return say(j, n ? ADDRESS_REASON_DOT_TWICE : ADDRESS_REASON_DOT_FIRST);
    if (c < 0 || c == '@')
        return say(j, n ? ADDRESS_REASON_DOT_LAST : c < 0 ? empty : ADDRESS_REASON_LOCAL_EMPTY);
    return say(j, ADDRESS_REASON_CHARACTER);
}

/*
 * local-part     = dot-atom / quoted-string / obs-local-part
 * obs-local-part = word *("." word)
 * up to and with the "@"; *len_out its bytes without comments and blanks.
 */
static bool local_part(struct judge *j, size_t *len_out)
{
    bool any_quoted = false;

    for (size_t n = 0;; n++, j->at++, ++*len_out) {
        unsigned before, behind;
        const uint8_t *word;
        bool quoted;

        if (!cfws(j, &before))
            return false;
        word = j->at;
        quoted = peek(j) == '"';
        any_quoted |= quoted;
        if (!quoted && !atom(j))
            return no_word(j, n, ADDRESS_REASON_AT_NONE);
        if (quoted && !quoted_string(j))
            return false;
        *len_out += (size_t)(j->at - word);
        if (!cfws(j, &behind))
            return false;
        if (n == 0)
            say_around(j, before);
        if ((n && before) || (behind && peek(j) == '.'))
            say(j, ADDRESS_REASON_OLD_INSIDE);
        if (any_quoted && (n || peek(j) == '.'))
            say(j, ADDRESS_REASON_OLD_WORDS);
        if (peek(j) == '@') {
            if (behind)
                say(j, ADDRESS_REASON_OLD_AT);
            j->at++;
            return true;
        }
        if (peek(j) < 0)
            return say(j, ADDRESS_REASON_AT_NONE);
        if (peek(j) != '.')
            return say(j, behind   ? ADDRESS_REASON_COMMENT_BEHIND
                          : quoted ? ADDRESS_REASON_QUOTED_BEHIND
                                   : ADDRESS_REASON_CHARACTER);
    }
}

/* One label of a domain that was read as an atom. */
static bool label(struct judge *j, struct span text)
{
    if (text.data[0] == '-' || text.data[text.len - 1] == '-')
        return say(j, ADDRESS_REASON_HYPHEN);
    for (size_t i = 0; i < text.len; i++)
        if (!address_char_let_dig(text.data[i]) && text.data[i] != '-' && text.data[i] < 0x80)
            say(j, ADDRESS_REASON_DOMAIN_ATEXT);
    if (text.len > LABEL_MAX)
        say(j, ADDRESS_REASON_LABEL_LONG);
    return true;
}

/* A "::" between groups: RFC 5321 wants two groups or more left out, a reader of addresses one. */
static bool one_group(struct span literal)
{
    struct span text = span_skip(span_head(literal, literal.len - 1), 6);
    size_t colons = 0;
    bool twice = false;

    for (size_t i = 0; i < text.len; i++) {
        colons += text.data[i] == ':';
        twice |= i && text.data[i] == ':' && text.data[i - 1] == ':';
    }
    return twice && colons == 7 && span_find(text, '.') < 0 &&
           span_equal_nocase(span_head(literal, 6), span_text("[IPv6:")) && text.data[0] != ':' &&
           text.data[text.len - 1] != ':';
}

static void judge_literal(struct judge *j, struct span literal)
{
    struct address a;

    if (address_domain(literal, ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK) {
        if (a.kind == ADDRESS_GENERAL)
            say(j, ADDRESS_REASON_LITERAL_TAG);
        return;
    }
    say(j, one_group(literal) ? ADDRESS_REASON_IPV6_ONE : ADDRESS_REASON_LITERAL_OTHER);
}

/*
 * domain-literal = "[" *([FWS] dtext) [FWS] "]";  dtext = %d33-90 / %d94-126 / obs-dtext
 * obs-dtext      = obs-NO-WS-CTL / quoted-pair
 */
static bool literal(struct judge *j, size_t *len_out)
{
    const uint8_t *begin = j->at++;

    while (peek(j) != ']') {
        int c = peek(j);

        if (c < 0)
            return say(j, ADDRESS_REASON_LITERAL_OPEN);
        if (c == '\\' || is_control(c))
            say(j, ADDRESS_REASON_LITERAL_QUOTED);
        if (c == '[')
            return say(j, ADDRESS_REASON_CHARACTER);
        if (!piece(j, ADDRESS_REASON_LITERAL_QUOTED))
            return false;
    }
    j->at++;
    *len_out = (size_t)(j->at - begin);
    judge_literal(j, span_between(begin, j->at));
    return true;
}

/* What may stand behind the domain: CFWS, and nothing else. */
static bool over(struct judge *j, enum address_reason text_behind)
{
    unsigned behind;

    if (!cfws(j, &behind))
        return false;
    say_around(j, behind);
    return peek(j) < 0 || say(j, behind ? ADDRESS_REASON_COMMENT_BEHIND : text_behind);
}

/*
 * domain     = dot-atom / domain-literal / obs-domain
 * obs-domain = atom *("." atom)
 */
static bool domain(struct judge *j, size_t *len_out)
{
    unsigned seen;

    if (!cfws(j, &seen))
        return false;
    if (seen)
        say(j, ADDRESS_REASON_OLD_AT);
    if (peek(j) == '[')
        return literal(j, len_out) && over(j, ADDRESS_REASON_LITERAL_BEHIND);
    for (size_t n = 0;; n++, j->at++, ++*len_out) {
        const uint8_t *begin, *end;

        if (n && !cfws(j, &seen))
            return false;
        if (n && seen)
            say(j, ADDRESS_REASON_OLD_INSIDE);
        begin = j->at;
        if (!atom(j))
            return no_word(j, n, ADDRESS_REASON_DOMAIN_EMPTY);
        end = j->at;
        *len_out += (size_t)(end - begin);
        if (!label(j, span_between(begin, end)) || !cfws(j, &seen))
            return false;
        if (peek(j) != '.') {
            j->at = end;
            return over(j, ADDRESS_REASON_CHARACTER);
        }
        if (seen)
            say(j, ADDRESS_REASON_OLD_INSIDE);
    }
}

void address_judge(struct span text, struct address_judgement *judgement_out)
{
    static const uint8_t nothing;
    struct judge j = {.start = text.len ? text.data : &nothing, .out = judgement_out};
    size_t local_len = 0, domain_len = 0;

    j.at = j.start;
    j.end = j.start + text.len;
    *judgement_out = (struct address_judgement){.grade = ADDRESS_GRADE_ENVELOPE};
    if (!local_part(&j, &local_len) || !domain(&j, &domain_len))
        return;
    if (local_len > ADDRESS_LOCAL_MAX)
        say(&j, ADDRESS_REASON_LOCAL_LONG);
    if (domain_len > ADDRESS_DOMAIN_MAX)
        say(&j, ADDRESS_REASON_DOMAIN_LONG);
    if (local_len + 1 + domain_len > ADDRESS_PATH_MAX - 2)
        say(&j, ADDRESS_REASON_PATH_LONG);
}

const char *address_grade_name(enum address_grade grade)
{
    static const char *const names[] = {"envelope", "header", "obsolete", "broad", "invalid"};

    return names[grade];
}

const char *address_reason_name(enum address_reason reason)
{
    static const char *const names[] = {
#define REASON(NAME, name, GRADE, what) #name,
#include "proto/address/address_reason.def"
#undef REASON
    };

    return names[reason];
}

const char *address_reason_what(enum address_reason reason)
{
    static const char *const what_of[] = {
#define REASON(NAME, name, GRADE, what) what,
#include "proto/address/address_reason.def"
#undef REASON
    };

    return what_of[reason];
}
