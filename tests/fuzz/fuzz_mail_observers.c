/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/detect/detect.h"
#include "proto/imap/imap_observer.h"
#include "proto/pop3/pop3_observer.h"
#include "proto/tls/tls_hello.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Pieces of a byte (who speaks or misses something, how much) and bytes, for POP3, IMAP and TLS. */
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

static void tls(struct tls_hello *t, struct span in)
{
    volatile uint8_t sum = 0;

    tls_hello_feed(t, in);
    for (size_t i = 0; i < t->server_name.len; i++)
        sum = (uint8_t)(sum + t->server_name.data[i]);
    for (size_t i = 0; i < t->certificate.len; i++)
        sum = (uint8_t)(sum + t->certificate.data[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t lines[4][IMAP_OBSERVER_LINE_MAX], room[4096];
    struct pop3_observer p;
    struct imap_observer i;
    struct tls_hello t;
    struct span rest = span_of(data, size);

    pop3_observer_init(&p, false);
    imap_observer_init(&i, false);
    tls_hello_init(&t, room, sizeof(room));
    tls(&t, rest);
    detect(span_head(rest, size / 2), span_skip(rest, size / 2));
    while (rest.len) {
        uint8_t what = rest.data[0];
        struct span piece = span_head(span_skip(rest, 1), (what >> 2) + 1u);
        bool client = what & 1;

        rest = span_skip(rest, 1 + piece.len);
        if ((what & 3) == 2) {
            pop3_observer_gap(&p, what & 4);
            imap_observer_gap(&i, what & 4);
        } else {
            pop3(&p, client, piece, lines[client]);
            imap(&i, client, piece, lines[2 + client]);
        }
    }
    return 0;
}
