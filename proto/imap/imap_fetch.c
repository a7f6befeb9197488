/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_fetch.h"

static const char *const plain_names[] = {
#define ITEM(NAME, name) [IMAP_FETCH_##NAME] = name,
    IMAP_FETCH_PLAIN(ITEM)
#undef ITEM
};

enum { PLAIN = sizeof(plain_names) / sizeof(plain_names[0]) };

static const struct with_section {
    const char *name;
    uint8_t kind;
    bool seen;
    bool partial; /* may have a "<0.1>" */
} with_sections[] = {
    {"BODY", IMAP_FETCH_BODY, true, true},
    {"BODY.PEEK", IMAP_FETCH_BODY, false, true},
    {"BINARY", IMAP_FETCH_BINARY, true, true},
    {"BINARY.PEEK", IMAP_FETCH_BINARY, false, true},
    {"BINARY.SIZE", IMAP_FETCH_BINARY_SIZE, false, false},
};

static const struct macro {
    const char *name;
    uint8_t count;
    uint8_t kinds[5];
} macros[] = {
    {"ALL", 4, {IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_SIZE, IMAP_FETCH_ENVELOPE}},
    {"FAST", 3, {IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_SIZE}},
    {"FULL",
     5,
     {IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_SIZE, IMAP_FETCH_ENVELOPE,
      IMAP_FETCH_STRUCTURE}},
};

/* A new item, or NULL and bad. */
static struct imap_fetch_item *add(struct imap_cursor *c, struct imap_fetch *f, unsigned kind)
{
    struct imap_fetch_item *item = &f->items[f->count];

    if (f->count == IMAP_FETCH_ITEMS_MAX) {
        (void)imap_cursor_fail(c);
        return NULL;
    }
    f->count++;
    memset(item, 0, sizeof(*item));
    item->kind = (uint8_t)kind;
    return item;
}

/* One without a section; asked for twice it is told once. */
static bool add_plain(struct imap_cursor *c, struct imap_fetch *f, unsigned kind)
{
    static const uint8_t sections[PLAIN] = {[IMAP_FETCH_RFC822_HEADER] = IMAP_SECTION_HEADER,
                                            [IMAP_FETCH_RFC822_TEXT] = IMAP_SECTION_TEXT};
    struct imap_fetch_item *item;

    if (f->plain & 1u << kind)
        return true;
    item = add(c, f, kind);
    if (!item)
        return false;
    f->plain |= 1u << kind;
    item->section.kind = sections[kind];
    item->seen = kind == IMAP_FETCH_RFC822 || kind == IMAP_FETCH_RFC822_TEXT;
    f->seen = f->seen || item->seen;
    return true;
}

/* "[" section "]" ["<" number64 "." nz-number64 ">"] */
static bool add_section(struct imap_cursor *c, struct imap_fetch *f, const struct with_section *row)
{
    struct imap_fetch_item *item = add(c, f, row->kind);

    if (!item || !imap_cursor_byte(c, '[') ||
        !imap_section_parse(c, row->kind != IMAP_FETCH_BODY, &item->section) ||
        !imap_cursor_byte(c, ']'))
        return false;
    item->seen = row->seen;
    f->seen = f->seen || row->seen;
    if (!row->partial || !imap_cursor_peek(c, '<'))
        return true;
    item->partial = true;
    return imap_cursor_partial(c, &item->offset, &item->len);
}

/* "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]; RFC 8970 section 6 */
static bool add_preview(struct imap_cursor *c, struct imap_fetch *f, bool listed)
{
    struct imap_fetch_item *item = add(c, f, IMAP_FETCH_PREVIEW);
    bool first = true;

    if (!item)
        return false;
    /* Outside of a list, "(" behind a blank may as well begin the modifiers of FETCH. */
    if (c->end - c->at < 6 || c->at[0] != ' ' || c->at[1] != '(' ||
        (!listed && !span_equal_nocase(span_of(c->at + 2, 4), span_text("LAZY"))))
        return true;
    c->at++;
    if (!imap_cursor_open(c))
        return false;
    while (imap_cursor_item(c, &first))
        if (!imap_cursor_take_word(c, "LAZY"))
            return imap_cursor_fail(c);
    item->lazy = true;
    return !c->bad;
}

/* The letters, digits and dots that a name is made of. */
static struct span name_of(struct imap_cursor *c)
{
    const uint8_t *begin = c->at;

    while (!c->bad && c->at < c->end &&
           ((uint8_t)(ascii_lower(*c->at) - 'a') < 26 || (uint8_t)(*c->at - '0') < 10 ||
            *c->at == '.'))
        c->at++;
    return span_between(begin, c->at);
}

static bool fetch_att(struct imap_cursor *c, struct imap_fetch *f, bool listed)
{
    struct span name = name_of(c);

    if (imap_cursor_peek(c, '[')) {
        for (size_t i = 0; i < sizeof(with_sections) / sizeof(with_sections[0]); i++)
            if (span_equal_nocase(name, span_text(with_sections[i].name)))
                return add_section(c, f, &with_sections[i]);
        return imap_cursor_fail(c);
    }
    for (unsigned kind = 0; kind < PLAIN; kind++)
        if (span_equal_nocase(name, span_text(plain_names[kind])))
            return add_plain(c, f, kind);
    if (span_equal_nocase(name, span_text("PREVIEW")))
        return add_preview(c, f, listed);
    return imap_cursor_fail(c);
}

static bool macro(struct imap_cursor *c, struct imap_fetch *f)
{
    for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
        if (!imap_cursor_take_word(c, macros[i].name))
            continue;
        for (unsigned k = 0; k < macros[i].count; k++)
            (void)add_plain(c, f, macros[i].kinds[k]);
        return true;
    }
    return false;
}

/* fetch-modifier = "CHANGEDSINCE" SP mod-sequence-value / "VANISHED" */
static bool modifier(struct imap_cursor *c, struct imap_fetch *f)
{
    if (imap_cursor_take_word(c, "VANISHED")) {
        f->vanished = true;
        return true;
    }
    if (!imap_cursor_take_word(c, "CHANGEDSINCE") || f->changed)
        return imap_cursor_fail(c);
    f->changed = true;
    return imap_cursor_space(c) && imap_cursor_number64(c, &f->changed_since);
}

static bool modifiers(struct imap_cursor *c, bool uid, struct imap_fetch *f)
{
    bool first = true;

    if (!imap_cursor_space(c) || !imap_cursor_open(c))
        return false;
    while (imap_cursor_item(c, &first))
        (void)modifier(c, f);
    if (first || (f->vanished && (!uid || !f->changed)))
        return imap_cursor_fail(c);
    return !c->bad;
}

bool imap_fetch_parse(struct imap_cursor *c, bool uid, struct imap_fetch *fetch_out)
{
    struct imap_fetch *f = fetch_out;
    bool first = true;

    memset(f, 0, offsetof(struct imap_fetch, items));
    if (imap_cursor_peek(c, '(')) {
        (void)imap_cursor_open(c);
        while (imap_cursor_item(c, &first))
            (void)fetch_att(c, f, true);
        if (first)
            return imap_cursor_fail(c);
    } else if (!macro(c, f) && !fetch_att(c, f, false)) {
        return false;
    }
    if (!imap_cursor_end(c) && !modifiers(c, uid, f))
        return false;
    return imap_cursor_done(c);
}

void imap_fetch_put_name(struct writer *w, const struct imap_fetch_item *item)
{
    static const char *const names[] = {[IMAP_FETCH_PREVIEW] = "PREVIEW",
                                        [IMAP_FETCH_BODY] = "BODY[",
                                        [IMAP_FETCH_BINARY] = "BINARY[",
                                        [IMAP_FETCH_BINARY_SIZE] = "BINARY.SIZE["};

    if (item->kind < PLAIN) {
        writer_text(w, plain_names[item->kind]);
        return;
    }
    writer_text(w, names[item->kind]);
    if (item->kind == IMAP_FETCH_PREVIEW)
        return;
    imap_section_put(w, &item->section);
    writer_byte(w, ']');
    if (item->partial)
        writer_printf(w, "<%llu>", (unsigned long long)item->offset);
}
