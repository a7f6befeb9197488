/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_text.h"

#include <stdlib.h>

#include "proto/base/siphash.h"
#include "proto/pop3/pop3_stuff.h"

struct blast_messages *blast_text_list(uint32_t room)
{
    struct blast_messages *m = calloc(1, sizeof(*m));

    if (m)
        m->texts = calloc(room, sizeof(*m->texts));
    if (m && !m->texts) {
        free(m);
        m = NULL;
    }
    return m;
}

/* Dots at the start of lines. */
static size_t dots(struct span raw)
{
    size_t n = 0;

    for (size_t i = 0; i < raw.len; i++)
        n += raw.data[i] == '.' && (i == 0 || raw.data[i - 1] == '\n');
    return n;
}

/* Where no dot is doubled the message as it travels is the message with the end behind it. */
bool blast_text_add(struct blast_messages *m, struct span raw)
{
    static const uint8_t key[16];
    size_t more = dots(raw), size = raw.len + 3 + (more ? raw.len + more : 0);
    uint8_t *bytes = m->bytes + size <= BLAST_MESSAGES_MEMORY ? malloc(size) : NULL;
    struct blast_text *text = &m->texts[m->count];
    struct writer wire = writer_of(bytes, size);
    /* The head stands before it: its first line is the start of a line, as everywhere. */
    struct pop3_stuff stuff = {0};
    struct span in = raw, out;

    if (!bytes)
        return false;
    while (pop3_stuff_next(&stuff, &in, &out))
        writer_span_put(&wire, out);
    writer_text(&wire, ".\r\n");
    text->wire = writer_span(&wire);
    text->raw = span_of(bytes, raw.len);
    if (more) {
        memcpy(bytes + wire.len, raw.data, raw.len);
        text->raw.data = bytes + wire.len;
    }
    text->sum = siphash(key, text->raw);
    m->bytes += size;
    m->count++;
    return true;
}

void blast_messages_free(struct blast_messages *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->count; i++)
        free((void *)m->texts[i].wire.data);
    free(m->texts);
    free(m);
}
