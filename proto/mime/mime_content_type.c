/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_content_type.h"

#include "proto/base/ascii.h"

#include "proto/mime/mime_word.h"

enum { VALUE_MAX = 2048 };

/* comment = "(" *([FWS] (ctext / quoted-pair / comment)) [FWS] ")"   (RFC 5322 section 3.2.2) */
static struct span skip_comment(struct span s)
{
    size_t depth = 0, i = 0;

    for (; i < s.len; i++) {
        if (s.data[i] == '\\')
            i++;
        else if (s.data[i] == '(')
            depth++;
        else if (s.data[i] == ')' && --depth == 0)
            return span_skip(s, i + 1);
    }
    return span_skip(s, s.len);
}

static struct span skip_blanks(struct span s)
{
    for (;;) {
        if (s.len && ascii_folding(s.data[0]))
            s = span_skip(s, 1);
        else if (s.len && s.data[0] == '(')
            s = skip_comment(s);
        else
            return s;
    }
}

static bool stops_at(const char *stops, uint8_t c)
{
    while (*stops && (uint8_t)*stops != c)
        stops++;
    return *stops;
}

/* Bytes up to a blank, a comment or one of `stops`. Wider than a token, because writers are. */
static struct span take_word(struct span *s, const char *stops)
{
    struct span word = span_of(s->data, 0);

    while (word.len < s->len) {
        uint8_t c = s->data[word.len];

        if (ascii_folding(c) || c == '(' || c == 0 || stops_at(stops, c))
            break;
        word.len++;
    }
    *s = span_skip(*s, word.len);
    return word;
}

/*
 * quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE   (RFC 5322 section 3.2.4); `s` begins with
 * the quote.
 */
static struct span take_quoted(struct span *s, uint8_t *flags)
{
    struct span text = span_skip(*s, 1);
    size_t i = 0;

    while (i < text.len && text.data[i] != '"')
        i += text.data[i] == '\\' && i + 1 < text.len ? 2 : 1;
    if (i >= text.len)
        *flags |= MIME_PARAMETER_BAD;
    *s = span_skip(text, i + 1);
    return span_head(text, i);
}

/*
 * What stands behind blanks within a value ends it: nothing, ';', a comment, or the next
 * parameter's name and '='.
 */
static bool value_ends(struct span s)
{
    struct span name;

    while (s.len && ascii_folding(s.data[0]))
        s = span_skip(s, 1);
    if (s.len == 0 || s.data[0] == ';' || s.data[0] == '(')
        return true;
    name = take_word(&s, "=;\"");
    return name.len && s.len && s.data[0] == '=';
}

/* A value without quotes. One that holds blanks breaks the grammar, and is what its writer meant.
 */
static struct span take_value(struct span *s, uint8_t *flags)
{
    struct span value = span_of(s->data, 0);

    while (value.len < s->len && s->data[value.len] != ';') {
        if (ascii_folding(s->data[value.len])) {
            if (value_ends(span_skip(*s, value.len)))
                break;
            *flags |= MIME_PARAMETER_BAD;
            /* The whole run at once, so that each blank is looked behind of only once. */
            while (ascii_folding(s->data[value.len + 1]))
                value.len++;
        }
        value.len++;
    }
    *s = span_skip(*s, value.len);
    return value;
}

static struct mime_parameter *known_name(struct mime_content_type *t, struct span name)
{
    for (size_t i = 0; i < t->count; i++)
        if (span_equal_nocase(t->parameters[i].name, name))
            return &t->parameters[i];
    return NULL;
}

static void keep_parameter(struct mime_content_type *t, const struct mime_parameter *p)
{
    struct mime_parameter *known = known_name(t, p->name);

    if (p->name.len == 0) {
        t->flags |= MIME_PARAMETER_BAD;
    } else if (known) {
        t->flags |= MIME_PARAMETER_TWICE;
        if (t->other)
            *known = *p;
    } else if (t->count == MIME_PARAMETERS_MAX) {
        t->flags |= MIME_PARAMETER_MANY;
    } else {
        t->parameters[t->count++] = *p;
    }
}

/* parameter = attribute "=" value   (RFC 2045 section 5.1) */
static struct span take_parameter(struct span s, struct mime_content_type *t)
{
    struct mime_parameter p = {.name = take_word(&s, "=;")};

    s = skip_blanks(s);
    if (s.len == 0 || s.data[0] != '=') {
        t->flags |= MIME_PARAMETER_BAD;
        /* A stray NUL stops every word; it must not stop us. */
        return p.name.len == 0 && s.len && s.data[0] != ';' ? span_skip(s, 1) : s;
    }
    s = skip_blanks(span_skip(s, 1));
    p.quoted = s.len && s.data[0] == '"';
    if (p.quoted)
        p.value = take_quoted(&s, &t->flags);
    else
        p.value = t->other ? take_word(&s, ";") : take_value(&s, &t->flags);
    keep_parameter(t, &p);
    return s;
}

/* content = type "/" subtype *(";" parameter)   disposition = type *(";" parameter) */
static void parse(struct span value, struct mime_content_type *type_out)
{
    struct span s = skip_blanks(value);

    type_out->count = 0;
    type_out->flags = 0;
    type_out->type = take_word(&s, "/;");
    type_out->subtype = span_of(s.data, 0);
    s = skip_blanks(s);
    if (s.len && s.data[0] == '/') {
        s = skip_blanks(span_skip(s, 1));
        type_out->subtype = take_word(&s, ";,");
    }
    for (;;) {
        s = skip_blanks(s);
        if (s.len == 0)
            return;
        s = s.data[0] == ';' ? span_skip(s, 1) : take_parameter(s, type_out);
    }
}

void mime_content_type_parse(struct span value, struct mime_content_type *type_out)
{
    type_out->other = false;
    parse(value, type_out);
}

void mime_content_type_parse_other(struct span value, struct mime_content_type *type_out)
{
    type_out->other = true;
    parse(value, type_out);
}

/*
 * Only \" and \\ are undone. Differs from RFC 5322 section 3.2.4, where a backslash quotes any
 * character, because mail programs write paths with bare backslashes, and others read them so.
 */
void mime_parameter_value(const struct mime_parameter *p, struct writer *out)
{
    for (size_t i = 0; i < p->value.len; i++) {
        uint8_t c = p->value.data[i], next = i + 1 < p->value.len ? p->value.data[i + 1] : 0;

        if (c == '\r' || c == '\n')
            continue;
        if (p->quoted && c == '\\' && (next == '"' || next == '\\')) {
            c = next;
            i++;
        }
        writer_byte(out, c);
    }
}

/* The marks of RFC 2231 behind a name: initial-section, other-sections (section 7). */
struct marks {
    int section; /* -1: not in pieces */
    bool extended;
};

/* False when `written` is not `name` with or without marks. */
static bool read_marks(struct span written, struct span name, struct marks *marks_out)
{
    struct span s;

    *marks_out = (struct marks){.section = -1};
    if (!span_equal_nocase(span_head(written, name.len), name))
        return false;
    s = span_skip(written, name.len);
    if (s.len == 0)
        return true;
    if (s.data[0] != '*')
        return false;
    s = span_skip(s, 1);
    if (s.len && s.data[s.len - 1] == '*') {
        marks_out->extended = true;
        s.len--;
    } else if (s.len == 0) {
        marks_out->extended = true;
        return true;
    }
    if (s.len == 0 || s.len > 2)
        return false;
    marks_out->section = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        marks_out->section = marks_out->section * 10 + (s.data[i] - '0');
    }
    return true;
}

static const struct mime_parameter *find(const struct mime_content_type *t, const char *name,
                                         int section, bool extended_only, bool *extended_out)
{
    for (size_t i = 0; i < t->count; i++) {
        struct marks marks;

        if (!read_marks(t->parameters[i].name, span_text(name), &marks) ||
            marks.section != section || (extended_only && !marks.extended))
            continue;
        *extended_out = marks.extended;
        return &t->parameters[i];
    }
    return NULL;
}

/* ext-octet = "%" 2(DIGIT / "A" / ... / "F"); in place, as it only shrinks. */
static size_t undo_percent(uint8_t *text, size_t len)
{
    size_t to = 0;

    for (size_t i = 0; i < len; i++, to++) {
        if (text[i] == '%' && i + 2 < len && ascii_hex(text[i + 1]) >= 0 &&
            ascii_hex(text[i + 2]) >= 0) {
            text[to] = (uint8_t)(ascii_hex(text[i + 1]) << 4 | ascii_hex(text[i + 2]));
            i += 2;
        } else {
            text[to] = text[i];
        }
    }
    return to;
}

/* What is gathered of one value: its bytes, and the charset that its first piece named. */
struct gathered {
    uint8_t bytes[VALUE_MAX];
    struct writer out;
    struct span charset;
    bool extended; /* its first piece was */
};

/*
 * extended-initial-value = [charset] "'" [language] "'" extended-other-values; takes the charset
 * off.
 */
static void take_charset(const struct mime_parameter *p, struct gathered *g, size_t from)
{
    struct span s = span_skip(writer_span(&g->out), from), rest = s;
    ptrdiff_t first = span_find(s, '\''), second;

    if (first < 0)
        return;
    rest = span_skip(s, (size_t)first + 1);
    second = span_find(rest, '\'');
    if (second < 0)
        return;
    rest = span_skip(rest, (size_t)second + 1);
    /* The charset's name stays readable in the value itself, which outlives the gathered bytes. */
    g->charset = span_head(p->value, (size_t)first);
    memmove(g->bytes + from, rest.data, rest.len);
    g->out.len = from + rest.len;
}

static void gather(const struct mime_parameter *p, bool extended, bool decode, struct gathered *g)
{
    size_t from = g->out.len;

    mime_parameter_value(p, &g->out);
    if (!extended || !decode)
        return;
    if (from == 0)
        take_charset(p, g, from);
    g->out.len = from + undo_percent(g->bytes + from, g->out.len - from);
}

/* Gathers "name*", or "name*0" "name*1" ..., or "name". False when there is none. */
static bool gather_all(const struct mime_content_type *t, const char *name, bool decode,
                       struct gathered *g)
{
    const struct mime_parameter *p = find(t, name, -1, !t->other, &g->extended);
    bool pieces = false, extended = false;

    g->out = writer_of(g->bytes, sizeof(g->bytes));
    g->charset = span_of(NULL, 0);
    if (!p) {
        p = find(t, name, 0, false, &g->extended);
        pieces = p != NULL;
    }
    if (!p)
        p = find(t, name, -1, false, &g->extended);
    if (!p)
        return false;
    gather(p, g->extended, decode, g);
    for (int n = 1; pieces && n < MIME_PARAMETERS_MAX; n++) {
        p = find(t, name, n, false, &extended);
        if (!p)
            break;
        gather(p, extended, decode, g);
    }
    return true;
}

static bool has_word(struct span s)
{
    for (size_t i = 0; i + 1 < s.len; i++)
        if (s.data[i] == '=' && s.data[i + 1] == '?')
            return true;
    return false;
}

bool mime_content_type_find(const struct mime_content_type *t, const char *name,
                            const struct mime_charset *other, struct writer *out, uint8_t *flags)
{
    struct gathered g;

    if (!gather_all(t, name, true, &g))
        return false;
    if (g.charset.len) {
        if (!mime_charset_to_utf8(other, g.charset, writer_span(&g.out), out)) {
            *flags |= MIME_PARAMETER_CHARSET;
            gather_all(t, name, false, &g);
            mime_charset_clean(writer_span(&g.out), out);
        }
    } else if (!g.extended && has_word(writer_span(&g.out))) {
        if (!mime_word_decode(writer_span(&g.out), other, out))
            *flags |= MIME_PARAMETER_CHARSET;
    } else {
        mime_charset_clean(writer_span(&g.out), out);
    }
    if (g.out.full || out->full)
        *flags |= MIME_PARAMETER_CUT;
    return true;
}

bool mime_content_type_raw(const struct mime_content_type *t, const char *name, struct writer *out)
{
    struct gathered g;

    if (!gather_all(t, name, true, &g))
        return false;
    writer_span_put(out, writer_span(&g.out));
    out->full = out->full || g.out.full;
    return true;
}

static const char *const encoding_names[] = {"7bit",   "8bit",    "binary",  "quoted-printable",
                                             "base64", "unknown", "uuencode"};

enum mime_encoding mime_encoding_of(struct span value)
{
    static const struct {
        const char *name;
        enum mime_encoding is;
    } others[] = {{"x-uuencode", MIME_ENCODING_UU},
                  {"x-uue", MIME_ENCODING_UU},
                  {"uue", MIME_ENCODING_UU},
                  {"uuencode", MIME_ENCODING_UU}};
    struct mime_content_type t;

    mime_content_type_parse(value, &t);
    if (t.subtype.len)
        return MIME_ENCODING_UNKNOWN;
    for (unsigned i = 0; i < MIME_ENCODING_UNKNOWN; i++)
        if (span_equal_nocase(t.type, span_text(encoding_names[i])))
            return (enum mime_encoding)i;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (span_equal_nocase(t.type, span_text(others[i].name)))
            return others[i].is;
    return MIME_ENCODING_UNKNOWN;
}

static bool within(struct span value, const char *word)
{
    struct span text = span_text(word);

    for (; value.len >= text.len; value = span_skip(value, 1))
        if (span_equal_nocase(span_head(value, text.len), text))
            return true;
    return false;
}

enum mime_encoding mime_encoding_within(struct span value)
{
    if (within(value, "base64") || within(value, "base-64"))
        return MIME_ENCODING_BASE64;
    if (within(value, "quoted"))
        return MIME_ENCODING_QP;
    return within(value, "uu") ? MIME_ENCODING_UU : MIME_ENCODING_UNKNOWN;
}

const char *mime_encoding_name(enum mime_encoding encoding)
{
    return encoding_names[encoding <= MIME_ENCODING_UU ? encoding : MIME_ENCODING_UNKNOWN];
}
