/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRANSFER_MBOX_WRITER_H
#define CONTROL_TRANSFER_MBOX_WRITER_H

#include "control/transfer/mbox_reader.h"

/*
 * Writes one message as an mboxrd entry (RFC 4155 with the ">" of mboxrd), or as the plain file of a
 * Maildir, while it comes: LF line ends, of an mbox its from-line, quoting, the flag fields at the
 * end of the header, and an empty line behind it. mbox_reader reads back the same bytes, date (in
 * whole seconds) and flags, but where `changed` says otherwise.
 */
struct mbox_writer {
    bool (*bytes)(void *context, struct span bytes);
    void *context;
    bool mbox;     /* false: the file of a Maildir */
    bool failed;   /* bytes() has refused */
    bool changed;  /* a lone CR or LF, or (mbox) no line end at the end: these come back otherwise */
    bool header;
    bool cr;       /* the last byte was one, and is not written yet */
    uint32_t flags;
    uint64_t quotes; /* ">" at the begin of the line, not written yet */
    uint32_t at;     /* bytes of the line: those held in `held` while it may be "From " */
    bool middle;     /* the line is known */
    bool empty;      /* nothing of the line has been seen */
    uint8_t held[5];
};

void mbox_writer_begin(struct mbox_writer *w, const struct mbox_from *from, uint32_t flags);
/* For a Maildir: begins without from-line and flags. */
void mbox_writer_begin_plain(struct mbox_writer *w);
void mbox_writer_feed(struct mbox_writer *w, struct span bytes);
/* False: bytes() has refused. */
bool mbox_writer_end(struct mbox_writer *w);

#endif
