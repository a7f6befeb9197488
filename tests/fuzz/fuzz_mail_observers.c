/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/detect/detect.h"
#include "proto/imap/imap_observer.h"
#include "proto/pop3/pop3_observer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Pieces of a byte (who speaks or misses something, how much) and bytes, for POP3 and IMAP. */
static void pop3(struct pop3_observer *o, bool client, struct span in, uint8_t *line)
{
    struct pop3_observed e;

    for (;;) {
        if (client)
            pop3_observer_client(o, &in, &e);
        else
            pop3_observer_server(o, &in, &e);
        if (e.kind == POP3_OBSERVED_MORE)
            return;
        if (e.kind == POP3_OBSERVED_BUFFER)
            pop3_observer_attach(o, client, line);
        else if (e.secret > e.text.len && e.kind == POP3_OBSERVED_COMMAND)
            abort();
    }
}

static void imap(struct imap_observer *o, bool client, struct span in, uint8_t *line)
{
    struct imap_observed e;

    for (;;) {
        imap_observer_feed(o, client, &in, &e);
        if (e.kind == IMAP_OBSERVED_MORE)
            return;
        if (e.kind == IMAP_OBSERVED_BUFFER)
            imap_observer_attach(o, client, line);
        else if (e.secret > e.text.len && e.kind == IMAP_OBSERVED_COMMAND)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t lines[4][IMAP_OBSERVER_LINE_MAX];
    struct pop3_observer p;
    struct imap_observer i;
    struct span rest = span_of(data, size);

    pop3_observer_init(&p, false);
    imap_observer_init(&i, false);
    detect(span_head(rest, size / 2), span_skip(rest, size / 2));
    while (rest.len) {
        uint8_t what = rest.data[0];
        struct span piece = span_head(span_skip(rest, 1), (what >> 2) + 1u);
        bool client = what & 1;

        rest = span_skip(rest, 1 + piece.len);
        if ((what & 3) == 2) {
            pop3_observer_gap(&p, what & 4);
            (void)imap_observer_gap(&i, what & 4, piece.len);
        } else {
            pop3(&p, client, piece, lines[client]);
            imap(&i, client, piece, lines[2 + client]);
        }
    }
    return 0;
}
