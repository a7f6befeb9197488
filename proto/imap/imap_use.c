/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_use.h"

static const struct use {
    const char *attribute;
    uint16_t bit;
    bool given;
} uses[] = {
#define IMAP_USE(NAME, attribute, bit, given) {attribute, bit, given},
#include "proto/imap/imap_use.def"
#undef IMAP_USE
};

enum { USES = sizeof(uses) / sizeof(uses[0]) };

/* use-attr = "\All" / "\Archive" / ... / "\" atom */
static void read_attribute(struct imap_cursor *c, struct imap_use_wanted *wanted)
{
    struct span attribute;

    if (!imap_cursor_flag(c, &attribute))
        return;
    if (attribute.data[0] != '\\') {
        imap_cursor_fail(c);
        return;
    }
    for (size_t i = 0; i < USES; i++) {
        if (uses[i].given && span_equal_nocase(attribute, span_text(uses[i].attribute))) {
            wanted->uses |= uses[i].bit;
            return;
        }
    }
    wanted->refused = true;
}

bool imap_use_read_create(struct imap_cursor *c, struct imap_use_wanted *wanted_out)
{
    bool first = true;

    *wanted_out = (struct imap_use_wanted){.uses = 0};
    if (imap_cursor_end(c))
        return true;
    imap_cursor_space(c);
    imap_cursor_byte(c, '(');
    if (!imap_cursor_take_word(c, "USE"))
        imap_cursor_fail(c);
    imap_cursor_space(c);
    imap_cursor_open(c);
    while (imap_cursor_item(c, &first))
        read_attribute(c, wanted_out);
    imap_cursor_byte(c, ')');
    return imap_cursor_done(c);
}

void imap_use_put(struct writer *w, uint16_t bits)
{
    for (size_t i = 0; i < USES; i++) {
        if (!(bits & uses[i].bit))
            continue;
        writer_byte(w, ' ');
        writer_text(w, uses[i].attribute);
    }
}
