/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_html.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum state {
    TEXT,
    ENTITY,    /* behind "&" */
    OPEN,      /* behind "<" */
    NAME,      /* in a tag's name */
    ATTRIBUTE, /* behind it */
    QUOTED,    /* in a quoted value */
    MARKUP,    /* behind "<!" */
    COMMENT,   /* behind "<!--" */
    BOGUS,     /* to the next ">" */
    RAW,       /* in an element whose content is no text */
    RAW_OPEN,  /* there, behind "<" */
};

struct writing {
    uint8_t *out;
    size_t len;
};

struct name {
    uint8_t len;
    char text[11];
};
#define NAME_OF(text)                                                                              \
    {                                                                                              \
        sizeof(text) - 1, text                                                                     \
    }

/* Their content ends with their closing tag, whatever is in it. */
static const struct name raw_names[] = {NAME_OF(""), NAME_OF("script"), NAME_OF("style")};

/* The short ones first. */
static const struct name block_names[] = {
    NAME_OF("p"),     NAME_OF("br"),        NAME_OF("dd"),  NAME_OF("dt"),  NAME_OF("h1"),
    NAME_OF("h2"),    NAME_OF("h3"),        NAME_OF("h4"),  NAME_OF("h5"),  NAME_OF("h6"),
    NAME_OF("hr"),    NAME_OF("li"),        NAME_OF("ol"),  NAME_OF("td"),  NAME_OF("th"),
    NAME_OF("tr"),    NAME_OF("ul"),        NAME_OF("div"), NAME_OF("pre"), NAME_OF("table"),
    NAME_OF("title"), NAME_OF("blockquote")};
enum { BLOCK_NAMES = sizeof(block_names) / sizeof(block_names[0]) };

static const struct entity {
    const char *name;
    uint32_t code;
} entities[] = {
#define ENTITY(name, code) {name, code},
#include "proto/mime/mime_entity.def"
#undef ENTITY
};

static void put(struct writing *w, uint8_t c)
{
    w->out[w->len++] = c;
}

static bool is_letter(uint8_t c)
{
    return (uint8_t)(ascii_lower(c) - 'a') < 26;
}

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static struct span name_of(const struct mime_html *h)
{
    return span_of(h->name, h->count);
}

static bool is_named(const struct mime_html *h, const struct name *name)
{
    /* Most differ in the first letter, and then nothing is called. */
    return h->count == name->len && (!h->count || h->name[0] == name->text[0]) &&
           memcmp(h->name, name->text, name->len) == 0;
}

static bool is_block(const struct mime_html *h)
{
    for (size_t i = 0; i < BLOCK_NAMES && block_names[i].len <= h->count; i++)
        if (is_named(h, &block_names[i]))
            return true;
    return false;
}

/* ---- characters ---- */

static void put_code(struct writing *w, uint32_t c)
{
    if (c == 0xad || (c >= 0x200b && c <= 0x200d) || c == 0x2060 || c == 0xfeff)
        return;
    if (c == 0xa0)
        c = ' ';
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    if (c < 0x80) {
        put(w, (uint8_t)c);
        return;
    }
    if (c >= 0x10000)
        put(w, (uint8_t)(0xf0 | c >> 18));
    if (c >= 0x800)
        put(w, (uint8_t)((c >= 0x10000 ? 0x80 : 0xe0) | (c >> 12 & (c >= 0x10000 ? 0x3f : 0x0f))));
    put(w, (uint8_t)((c >= 0x800 ? 0x80 : 0xc0) | (c >> 6 & (c >= 0x800 ? 0x3f : 0x1f))));
    put(w, (uint8_t)(0x80 | (c & 0x3f)));
}

/* "#" 1*DIGIT / "#x" 1*HEXDIG. False: it is none. */
static bool parse_code(struct span s, uint32_t *code_out)
{
    bool hex = s.len > 2 && ascii_lower(s.data[1]) == 'x';
    uint32_t code = 0;

    if (s.len < 2 || s.data[0] != '#')
        return false;
    for (size_t i = hex ? 2 : 1; i < s.len; i++) {
        uint8_t c = ascii_lower(s.data[i]);

        if (is_digit(c))
            code = code * (hex ? 16 : 10) + (uint32_t)(c - '0');
        else if (hex && c >= 'a' && c <= 'f')
            code = code * 16 + (uint32_t)(c - 'a') + 10;
        else
            return false;
        if (code > 0x10ffff)
            code = 0x110000;
    }
    *code_out = code;
    return true;
}

static int compare_entity(const void *name, const void *entity)
{
    const struct span *s = name;
    const struct entity *e = entity;
    size_t len = strlen(e->name);
    int order = memcmp(s->data, e->name, s->len < len ? s->len : len);

    return order ? order : s->len < len ? -1 : s->len > len;
}

static bool find_code(struct span name, uint32_t *code_out)
{
    const struct entity *e;

    if (name.len == 0 || parse_code(name, code_out))
        return name.len > 0;
    e = bsearch(&name, entities, sizeof(entities) / sizeof(entities[0]), sizeof(entities[0]),
                compare_entity);
    if (e)
        *code_out = e->code;
    return e != NULL;
}

/* The name is whole. True: it was one, and a ";" behind it belongs to it. */
static bool end_entity(struct mime_html *h, struct writing *w)
{
    uint32_t code;
    bool found = find_code(name_of(h), &code);

    h->state = TEXT;
    if (found) {
        put_code(w, code);
    } else {
        put(w, '&');
        for (size_t i = 0; i < h->count; i++)
            put(w, (uint8_t)h->name[i]);
    }
    return found;
}

/* Whether the byte goes on with what stands behind the "&". */
static bool is_entity(const struct mime_html *h, uint8_t c)
{
    uint8_t lower = ascii_lower(c);

    if (h->count == 0)
        return c == '#' || is_letter(c);
    if (h->name[0] != '#')
        return is_letter(c) || is_digit(c);
    if (h->count == 1)
        return is_digit(c) || lower == 'x';
    return is_digit(c) || (ascii_lower((uint8_t)h->name[1]) == 'x' && lower >= 'a' && lower <= 'f');
}

/* Steps answer whether they took the byte; one that they leave is looked at in the new state. */
static bool step_entity(struct mime_html *h, uint8_t c, struct writing *w)
{
    if (is_entity(h, c) && h->count < MIME_HTML_NAME) {
        h->name[h->count++] = (char)c;
        return true;
    }
    return end_entity(h, w) && c == ';';
}

/* ---- tags ---- */

static void end_tag(struct mime_html *h, struct writing *w)
{
    h->state = TEXT;
    if (is_block(h))
        put(w, '\n');
    for (uint8_t i = 1; !h->closing && i < sizeof(raw_names) / sizeof(raw_names[0]); i++)
        if (is_named(h, &raw_names[i])) {
            h->raw = i;
            h->state = RAW;
        }
}

static void begin_name(struct mime_html *h, bool closing)
{
    h->state = NAME;
    h->closing = closing;
    h->equals = false;
    h->count = 0;
}

static bool step_open(struct mime_html *h, uint8_t c, struct writing *w)
{
    if (is_letter(c)) {
        begin_name(h, h->closing);
        return false;
    }
    if (h->closing) {
        /* "</" and no name: HTML drops it to the next ">". */
        h->state = BOGUS;
        return false;
    }
    if (c == '/') {
        h->closing = true;
        return true;
    }
    h->count = 0;
    h->state = c == '!' ? MARKUP : c == '?' ? BOGUS : TEXT;
    if (h->state != TEXT)
        return true;
    put(w, '<');
    return false;
}

static bool step_name(struct mime_html *h, uint8_t c)
{
    if (is_space(c) || c == '/' || c == '>') {
        h->state = ATTRIBUTE;
        return false;
    }
    /* A longer name is none of ours. */
    if (h->count < MIME_HTML_NAME)
        h->name[h->count++] = (char)ascii_lower(c);
    else
        h->name[0] = ' ';
    return true;
}

static bool step_attribute(struct mime_html *h, uint8_t c, struct writing *w)
{
    if (c == '>') {
        end_tag(h, w);
    } else if (h->equals && (c == '"' || c == '\'')) {
        h->quote = c;
        h->state = QUOTED;
    }
    if (!is_space(c))
        h->equals = c == '=';
    return true;
}

static bool step_markup(struct mime_html *h, uint8_t c)
{
    if (c == '-') {
        if (++h->count == 2)
            h->state = COMMENT;
        return true;
    }
    h->state = BOGUS;
    return false;
}

static bool step_comment(struct mime_html *h, uint8_t c)
{
    if (c == '>' && h->count >= 2)
        h->state = TEXT;
    h->count = c != '-' ? 0 : h->count < 2 ? h->count + 1 : 2;
    return true;
}

static bool step_raw_open(struct mime_html *h, uint8_t c)
{
    const char *name = raw_names[h->raw].text;

    if (h->count == 0 ? c == '/' : ascii_lower(c) == (uint8_t)name[h->count - 1]) {
        if (name[h->count++] == 0) {
            /* Its tag goes on like any other. */
            begin_name(h, true);
            h->state = ATTRIBUTE;
        }
        return true;
    }
    h->state = RAW;
    return false;
}

static bool step(struct mime_html *h, uint8_t c, struct writing *w)
{
    switch ((enum state)h->state) {
    case TEXT:
        h->count = 0;
        h->closing = false;
        h->state = c == '<' ? OPEN : c == '&' ? ENTITY : TEXT;
        if (h->state == TEXT)
            put(w, c);
        return true;
    case ENTITY:
        return step_entity(h, c, w);
    case OPEN:
        return step_open(h, c, w);
    case NAME:
        return step_name(h, c);
    case ATTRIBUTE:
        return step_attribute(h, c, w);
    case QUOTED:
        if (c == h->quote)
            h->state = ATTRIBUTE;
        return true;
    case MARKUP:
        return step_markup(h, c);
    case COMMENT:
        return step_comment(h, c);
    case BOGUS:
        if (c == '>')
            h->state = TEXT;
        return true;
    case RAW:
        h->count = 0;
        if (c == '<')
            h->state = RAW_OPEN;
        return true;
    case RAW_OPEN:
        return step_raw_open(h, c);
    }
    return true;
}

/* Text up to the next tag or character reference, from `i` on; returns where it stopped. Sixteen
 * bytes are written where sixteen are left to read, so never more than the text may become. */
static inline size_t text_run(struct span bytes, size_t i, struct writing *w)
{
#ifdef __SSE2__
    const __m128i open = _mm_set1_epi8('<'), reference = _mm_set1_epi8('&');

    while (i + 16 <= bytes.len) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(bytes.data + i));
        int special =
            _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, open), _mm_cmpeq_epi8(v, reference)));
        size_t n = special ? (size_t)__builtin_ctz((unsigned)special) : 16;

        _mm_storeu_si128((__m128i *)(void *)(w->out + w->len), v);
        w->len += n;
        i += n;
        if (special)
            return i;
    }
#endif
    for (; i < bytes.len && bytes.data[i] != '<' && bytes.data[i] != '&'; i++)
        put(w, bytes.data[i]);
    return i;
}

size_t mime_html_feed(struct mime_html *h, struct span bytes, uint8_t *out)
{
    struct writing w = {.out = out};
    size_t i = 0;

    while (i < bytes.len) {
        if (h->state == TEXT)
            i = text_run(bytes, i, &w);
        if (i < bytes.len && step(h, bytes.data[i], &w))
            i++;
    }
    return w.len;
}

size_t mime_html_finish(struct mime_html *h, uint8_t *out)
{
    struct writing w = {.out = out};

    if (h->state == ENTITY)
        end_entity(h, &w);
    else if (h->state == OPEN && !h->closing)
        put(&w, '<');
    *h = (struct mime_html){0};
    return w.len;
}
