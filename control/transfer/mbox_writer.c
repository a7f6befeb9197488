/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/transfer/mbox_writer.h"

#include <stdio.h>
#include <time.h>

static void out(struct mbox_writer *w, struct span bytes)
{
    if (bytes.len && !w->failed)
        w->failed = !w->bytes(w->context, bytes);
}

static void begin_line(struct mbox_writer *w)
{
    w->quotes = 0;
    w->at = 0;
    w->middle = !w->mbox;
    w->empty = true;
}

static void begin(struct mbox_writer *w)
{
    w->failed = w->changed = w->cr = false;
    w->header = w->mbox;
    begin_line(w);
}

void mbox_writer_begin_plain(struct mbox_writer *w)
{
    w->mbox = false;
    begin(w);
}

static bool plain(uint8_t c)
{
    return c > ' ' && c < 0x7f;
}

void mbox_writer_begin(struct mbox_writer *w, const struct mbox_from *from, uint32_t flags)
{
    static const char days[] = "SunMonTueWedThuFriSat",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(from->date_ms / 1000);
    uint32_t sender = 0;
    char line[MBOX_SENDER + 64];
    struct tm t = {.tm_mday = 1};
    int n;

    w->mbox = true;
    w->flags = flags;
    begin(w);
    gmtime_r(&seconds, &t);
    while (sender < from->sender_len && plain((uint8_t)from->sender[sender]))
        sender++;
    if (sender < from->sender_len)
        sender = 0;
    n = snprintf(line, sizeof(line), "From %.*s %.3s %.3s %2d %02d:%02d:%02d %04d\n",
                 sender ? (int)sender : 13, sender ? from->sender : "MAILER-DAEMON",
                 days + 3 * t.tm_wday, months + 3 * t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min,
                 t.tm_sec, t.tm_year + 1900);
    out(w, span_of(line, (size_t)n));
}

static void put_flags(struct mbox_writer *w)
{
    char text[128];
    int n =
        snprintf(text, sizeof(text), "Status: %sO\nX-Status: %s%s%s%s\nX-Keywords: %s\n",
                 w->flags & MBOX_SEEN ? "R" : "", w->flags & MBOX_ANSWERED ? "A" : "",
                 w->flags & MBOX_FLAGGED ? "F" : "", w->flags & MBOX_DRAFT ? "T" : "",
                 w->flags & MBOX_DELETED ? "D" : "", w->flags & MBOX_FORWARDED ? "$Forwarded" : "");

    out(w, span_of(text, (size_t)n));
    w->header = false;
}

/* What was held of the line's begin goes out, with one ">" more when it has to. */
static void decide(struct mbox_writer *w)
{
    if (w->middle)
        return;
    w->middle = true;
    if (w->at == 5 && memcmp(w->held, "From ", 5) == 0)
        w->quotes++;
    for (; w->quotes > 0; w->quotes--)
        out(w, span_text(">"));
    out(w, span_of(w->held, w->at));
}

static void end_line(struct mbox_writer *w)
{
    if (w->header && w->empty)
        put_flags(w);
    decide(w);
    out(w, span_text("\n"));
    begin_line(w);
}

/* Bytes of a line without its end. */
static void text(struct mbox_writer *w, struct span in)
{
    if (in.len)
        w->empty = false;
    while (in.len && !w->middle) {
        if (w->at == 0 && in.data[0] == '>')
            w->quotes++;
        else if (w->at < 5 && in.data[0] == (uint8_t) "From "[w->at])
            w->held[w->at++] = in.data[0];
        else
            decide(w);
        if (w->middle)
            break;
        in = span_skip(in, 1);
        if (w->at == 5)
            decide(w);
    }
    out(w, in);
}

void mbox_writer_feed(struct mbox_writer *w, struct span in)
{
    while (in.len) {
        size_t n = 0;

        if (w->cr && in.data[0] == '\n') {
            w->cr = false;
            end_line(w);
            in = span_skip(in, 1);
            continue;
        }
        if (w->cr) {
            w->cr = false;
            w->changed = true;
            text(w, span_text("\r"));
        }
        while (n < in.len && in.data[n] != '\r' && in.data[n] != '\n')
            n++;
        text(w, span_head(in, n));
        if (n < in.len && in.data[n] == '\n') {
            w->changed = true;
            end_line(w);
        } else if (n < in.len) {
            w->cr = true;
        }
        in = span_skip(in, n < in.len ? n + 1 : n);
    }
}

bool mbox_writer_end(struct mbox_writer *w)
{
    if (w->cr) {
        w->changed = true;
        text(w, span_text("\r"));
    }
    w->cr = false;
    if (w->mbox && !w->empty) {
        w->changed = true;
        end_line(w);
    }
    decide(w);
    if (w->header)
        put_flags(w);
    if (w->mbox)
        out(w, span_text("\n"));
    return !w->failed;
}
