/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/transfer/maildir_name.h"
#include "control/transfer/mbox_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

enum { INPUT_MAX = 8192, OUT = 4 * INPUT_MAX };

struct heard {
    struct span file;
    uint32_t messages, flags;
    size_t len;
    uint8_t bytes[OUT];
};

static bool hear(void *context, struct span bytes)
{
    struct heard *h = context;

    MUST(bytes.len <= OUT - h->len);
    memcpy(h->bytes + h->len, bytes.data, bytes.len);
    h->len += bytes.len;
    return true;
}

static bool begin(void *context, const struct mbox_from *from)
{
    struct heard *h = context;

    MUST(from->sender_len <= MBOX_SENDER);
    h->messages++;
    return true;
}

static bool end(void *context, uint32_t flags)
{
    struct heard *h = context;

    MUST(flags < 2 * MBOX_OTHERS);
    h->flags = h->flags * 131 + flags;
    return true;
}

static bool boundary(void *context, uint64_t offset)
{
    const struct heard *h = context;

    return offset <= h->file.len &&
           (offset == h->file.len || h->file.data[offset] == 'F' || h->file.data[offset] == '\n');
}

static bool read_cut(struct span file, enum mbox_format format, size_t cut, struct heard *h)
{
    struct mbox_events events = {
        .context = h, .begin = begin, .bytes = hear, .end = end, .boundary = boundary};
    struct mbox_reader r;

    h->file = file;
    h->messages = h->flags = 0;
    h->len = 0;
    mbox_reader_init(&r, format, &events);
    return mbox_reader_feed(&r, span_head(file, cut)) &&
           mbox_reader_feed(&r, span_skip(file, cut)) && mbox_reader_finish(&r);
}

/* What comes out does not depend on the cut, and every line end of it is CRLF. */
static void read_all(struct span file, size_t cut)
{
    static struct heard whole, pieces;

    for (int format = MBOX_RD; format <= MBOX_CL2; format++) {
        bool ok = read_cut(file, (enum mbox_format)format, file.len, &whole);

        MUST(read_cut(file, (enum mbox_format)format, cut, &pieces) == ok);
        MUST(whole.len == pieces.len && memcmp(whole.bytes, pieces.bytes, whole.len) == 0);
        MUST(whole.messages == pieces.messages && whole.flags == pieces.flags);
        for (size_t i = 0; i < whole.len; i++)
            MUST(whole.bytes[i] != '\n' || (i > 0 && whole.bytes[i - 1] == '\r'));
    }
}

/* A message that is written is read as it was, unless the writer says otherwise. */
static void write_one(struct span message, size_t cut, uint32_t flags)
{
    static struct heard file, back;
    struct mbox_writer w = {.bytes = hear, .context = &file};
    struct mbox_from from = {.date_ms = 1582977601000};

    file.len = 0;
    mbox_writer_begin(&w, &from, flags);
    mbox_writer_feed(&w, span_head(message, cut));
    mbox_writer_feed(&w, span_skip(message, cut));
    MUST(mbox_writer_end(&w));
    MUST(read_cut(span_of(file.bytes, file.len), MBOX_RD, 0, &back) && back.messages == 1);
    if (!w.changed)
        MUST(back.flags == flags && back.len == message.len &&
             memcmp(back.bytes, message.data, message.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    struct mbox_from from;
    struct maildir_name name;

    if (size < 2 || size > INPUT_MAX)
        return 0;
    input = span_skip(input, 2);
    read_all(input, data[0] % (input.len + 1));
    write_one(input, data[0] % (input.len + 1), data[1] % 64);
    mbox_from_parse(input, &from);
    name = maildir_name_parse(input);
    MUST(name.flags < 2 * MBOX_OTHERS);
    return 0;
}
