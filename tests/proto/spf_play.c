/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/proto/spf_play.h"

#include <stdlib.h>

enum { RECORDS_MAX = 64, BYTES_MAX = 80000 };

static void put_name(struct span text, struct writer *w)
{
    struct dns_name name;

    if (!dns_name_of_text(text, &name))
        abort();
    writer_span_put(w, span_of(name.wire, name.len));
}

void spf_play_rdata(uint16_t type, struct span value, struct writer *w)
{
    struct ip_address ip;

    if (type == DNS_TXT) {
        for (; value.len; value = span_skip(value, 255)) {
            writer_byte(w, (uint8_t)span_head(value, 255).len);
            writer_span_put(w, span_head(value, 255));
        }
    } else if (type == DNS_A || type == DNS_AAAA) {
        if (!ip_address_parse(value, &ip))
            abort();
        writer_span_put(w, span_of(ip.bytes + (type == DNS_A ? 12 : 0), type == DNS_A ? 4 : 16));
    } else {
        if (type == DNS_MX)
            writer_uint(w, 10, 2);
        put_name(value, w);
    }
}

static struct dns_answer look_up(const struct dns_question *q, const struct spf_play_row *rows,
                                 size_t count, struct span records[RECORDS_MAX], struct writer *w)
{
    struct dns_answer a = {.outcome = DNS_NXDOMAIN, .records = records};
    struct dns_name name;

    for (size_t i = 0; i < count; i++) {
        const struct spf_play_row *row = &rows[i];
        size_t begin = w->len;

        if (!dns_name_of_text(span_text(row->name), &name) || !dns_name_equal(&name, &q->name))
            continue;
        if (a.outcome == DNS_NXDOMAIN)
            a.outcome = DNS_NO_DATA;
        if (row->type != q->type)
            continue;
        a.outcome = row->value ? DNS_ANSWER : row->outcome;
        if (!row->value || a.count == RECORDS_MAX)
            continue;
        spf_play_rdata(q->type, span_text(row->value), w);
        if (w->full)
            abort();
        records[a.count++] = span_of(w->data + begin, w->len - begin);
    }
    return a;
}

unsigned spf_play(struct spf_check *c, const struct spf_query *query,
                  const struct spf_play_row *rows, size_t count, spf_tell *tell, void *context)
{
    static uint8_t bytes[BYTES_MAX];
    struct span records[RECORDS_MAX];
    unsigned asked = 0;

    spf_check_init(c, query, tell, context);
    while (spf_check_next(c) == SPF_ASK) {
        struct writer w = writer_of(bytes, sizeof(bytes));
        struct dns_answer a = look_up(&c->question, rows, count, records, &w);

        asked++;
        spf_check_answer(c, &a);
    }
    return asked;
}
