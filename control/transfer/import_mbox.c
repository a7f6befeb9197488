/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/transfer/import_run.h"
#include "control/transfer/mbox_reader.h"

enum { PIECE = 65536, WHERE = 4096 };

struct reading {
    struct import_run *run;
    const char *path;
    int fd;
    uint64_t number; /* of the message, from 1 */
    struct mbox_from from;
    struct import_message message;
    struct mbox_reader reader;
    char where[WHERE];
    uint8_t piece[PIECE];
};

static bool begin(void *context, const struct mbox_from *from)
{
    struct reading *r = context;

    r->from = *from;
    snprintf(r->where, sizeof(r->where), "%s: message %llu", r->path,
             (unsigned long long)++r->number);
    import_message_begin(&r->message, r->run, r->where);
    return true;
}

static bool take_bytes(void *context, struct span bytes)
{
    struct reading *r = context;

    import_message_bytes(&r->message, bytes);
    return true;
}

static uint32_t store_flags(uint32_t flags)
{
    return (flags & MBOX_SEEN ? STORE_FLAG_SEEN : 0u) |
           (flags & MBOX_ANSWERED ? STORE_FLAG_ANSWERED : 0u) |
           (flags & MBOX_FLAGGED ? STORE_FLAG_FLAGGED : 0u) |
           (flags & MBOX_DELETED ? STORE_FLAG_DELETED : 0u) |
           (flags & MBOX_DRAFT ? STORE_FLAG_DRAFT : 0u);
}

static bool end(void *context, uint32_t flags)
{
    struct reading *r = context;
    struct import_meta meta = {.date_ms = r->from.date_ms,
                               .flags = store_flags(flags),
                               .forwarded = flags & MBOX_FORWARDED,
                               .others = flags & MBOX_OTHERS,
                               .sender = span_of(r->from.sender, r->from.sender_len)};

    /* What writers put there who know no sender. */
    if (span_equal(meta.sender, span_text("MAILER-DAEMON")) ||
        span_equal(meta.sender, span_text("-")))
        meta.sender.len = 0;
    return import_message_end(&r->message, &meta);
}

/* The file goes on there with a from-line, or ends, but for one line end. */
static bool boundary(void *context, uint64_t offset)
{
    const struct reading *r = context;
    uint8_t bytes[7];
    ssize_t n = pread(r->fd, bytes, sizeof(bytes), (off_t)offset);
    struct span rest = span_of(bytes, n > 0 ? (size_t)n : 0);

    if (n == 0)
        return lseek(r->fd, 0, SEEK_END) == (off_t)offset;
    if (rest.len && rest.data[0] == '\r')
        rest = span_skip(rest, 1);
    if (rest.len && rest.data[0] == '\n')
        rest = span_skip(rest, 1);
    return rest.len == 0 || span_equal(span_head(rest, 5), span_text("From "));
}

static bool read_all(struct reading *r)
{
    uint64_t at = 0;
    ssize_t n;

    while ((n = pread(r->fd, r->piece, sizeof(r->piece), (off_t)at)) > 0) {
        at += (uint64_t)n;
        if (!mbox_reader_feed(&r->reader, span_of(r->piece, (size_t)n)))
            return false;
    }
    if (n == 0)
        return mbox_reader_finish(&r->reader);
    r->run->tell(r->run->context, r->path, strerror(errno));
    r->run->sink.cancel(r->run->sink.context);
    return false;
}

bool import_mbox(struct import_run *run, const char *path)
{
    static const enum mbox_format formats[] = {
        [TRANSFER_MBOXRD] = MBOX_RD, [TRANSFER_MBOXO] = MBOX_O, [TRANSFER_MBOXCL2] = MBOX_CL2};
    struct reading *r = calloc(1, sizeof(*r));
    struct mbox_events events = {
        .context = r, .begin = begin, .bytes = take_bytes, .end = end, .boundary = boundary};
    bool ok;

    if (!r) {
        run->tell(run->context, path, "no memory");
        return false;
    }
    r->run = run;
    r->path = path;
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0)
        run->tell(run->context, path, strerror(errno));
    mbox_reader_init(&r->reader, formats[run->format], &events);
    ok = r->fd >= 0 && read_all(r);
    if (r->reader.bad)
        run->tell(run->context, path,
                  "is no mbox: it does not begin with \"From \", a sender and a "
                  "date");
    if (r->fd >= 0)
        close(r->fd);
    free(r);
    return ok;
}
