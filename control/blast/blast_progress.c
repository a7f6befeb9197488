/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_progress.h"

enum { WIDTH = 40, LINE = 256 };

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double part(uint64_t of, uint64_t all)
{
    return all ? (double)of / (double)all : 0;
}

double blast_progress_share(const struct blast_order *o, const struct blast_told *told)
{
    const struct blast_counts *c = &told->tally->counts;
    uint64_t sent = c->messages_accepted + c->messages_refused + c->messages_rejected;
    uint64_t end = o->duration_us;
    double share = part(sent, o->messages);

    share = larger(share, part(c->sessions_done, o->logins));
    if (o->hold_us && told->stood_us && told->stood_us + o->hold_us < end)
        end = told->stood_us + o->hold_us;
    share = larger(share, part(told->load_us, end));
    return share < 1 ? share : 1;
}

void blast_progress_put(struct writer *w, const struct blast_order *o,
                        const struct blast_told *told, double per_second)
{
    double share = blast_progress_share(o, told);
    double left = share > 0 ? (double)told->load_us / 1e6 * (1 - share) / share : 0;

    if (told->verifying) {
        writer_text(w, "reading back");
        return;
    }
    writer_byte(w, '[');
    for (int i = 0; i < WIDTH; i++)
        writer_byte(w, i < (int)(share * WIDTH) ? '#' : '.');
    writer_printf(w, "] %3.0f %%  %.0f %s/s  %u open", share * 100, per_second,
                  o->work == BLAST_WORK_SINK || o->hold_us ? "sessions" : "messages", told->active);
    if (share > 0)
        writer_printf(w, "  ETA %.0f s", left);
}

void blast_progress_draw(FILE *terminal, const struct blast_order *o, const struct blast_told *told,
                         double per_second)
{
    uint8_t text[LINE];
    struct writer w = writer_of(text, sizeof(text));

    blast_progress_put(&w, o, told, per_second);
    fprintf(terminal, "\r\033[K%.*s", (int)w.len, (const char *)text);
    fflush(terminal);
}

void blast_progress_clear(FILE *terminal)
{
    fputs("\r\033[K", terminal);
    fflush(terminal);
}
