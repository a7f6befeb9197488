/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/smtp/smtp_command.h"
#include "proto/smtp/smtp_reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_LIMIT = 64, TEXT_LIMIT = 100, OUT_MAX = 1 << 16 };

/* DATA and BDAT are taken as a server would; a chunk in lower case is thrown away. */
static void obey(struct smtp_reader *r, struct span line, bool *open)
{
    struct smtp_command c;

    if (smtp_command_parse(line, &c) != SMTP_REPLY_NONE)
        return;
    if (c.verb == SMTP_VERB_DATA)
        smtp_reader_begin_data(r);
    if (c.verb != SMTP_VERB_BDAT)
        return;
    smtp_reader_begin_chunk(r, c.size, !*open, c.last);
    if (line.data[0] == 'b')
        smtp_reader_discard_chunk(r);
    *open = !c.last;
}

static bool feed(struct smtp_reader *r, bool *open, struct span in, uint8_t *buffer,
                 struct writer *out)
{
    for (;;) {
        struct span bytes = {0};
        enum smtp_reader_event event = smtp_reader_next(r, &in, &bytes);

        switch (event) {
        case SMTP_READER_MORE:
            if (in.len)
                abort();
            return true;
        case SMTP_READER_BUFFER:
            line_attach(&r->line, buffer);
            continue;
        case SMTP_READER_BAD:
            writer_byte(out, 1);
            writer_byte(out, (uint8_t)smtp_reader_form(r));
            return false;
        case SMTP_READER_ODD:
        case SMTP_READER_TEXT:
            if (bytes.len == 0 || bytes.data[bytes.len - 1] == '\r')
                abort();
            break;
        default:
            writer_byte(out, (uint8_t)(2 + event));
            break;
        }
        for (size_t i = 0; i < bytes.len; i++)
            if (bytes.data[i] == 0)
                abort();
        writer_span_put(out, bytes);
        if (event == SMTP_READER_LINE)
            obey(r, bytes, open);
    }
}

/* Cuts are drawn from `seed`; 0 does not cut. */
static void read_all(struct span in, uint32_t seed, struct writer *out)
{
    uint8_t buffer[LINE_LIMIT];
    struct smtp_reader r;
    bool open = false;

    smtp_reader_init(&r, LINE_LIMIT, TEXT_LIMIT);
    while (in.len) {
        size_t n = in.len;

        if (seed) {
            seed = seed * 1664525u + 1013904223u;
            n = 1 + (seed >> 16) % (seed >> 30 ? 5 : 90);
        }
        if (!feed(&r, &open, span_head(in, n), buffer, out))
            return;
        in = span_skip(in, n);
    }
}

/* However an input is cut, the events are the same and the text is the same, byte by byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole_bytes[OUT_MAX], cut_bytes[OUT_MAX];
    struct writer whole = writer_of(whole_bytes, OUT_MAX), cut = writer_of(cut_bytes, OUT_MAX);

    if (size < 2 || size > OUT_MAX / 4)
        return 0;
    read_all(span_of(data + 2, size - 2), 0, &whole);
    read_all(span_of(data + 2, size - 2), 1u + data[0] + 256u * data[1], &cut);
    if (!span_equal(writer_span(&whole), writer_span(&cut)))
        abort();
    return 0;
}
