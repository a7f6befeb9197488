/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dns/dns_answer.h"

static const struct {
    const char *word, *what;
} outcomes[] = {
#define ROW(name, word, what) {word, what},
#include "proto/dns/dns_outcome.def"
#undef ROW
};

const char *dns_outcome_word(enum dns_outcome outcome)
{
    return outcomes[outcome].word;
}

const char *dns_outcome_what(enum dns_outcome outcome)
{
    return outcomes[outcome].what;
}

void dns_type_put(struct writer *w, uint16_t type)
{
    const char *name = type == DNS_A       ? "A"
                       : type == DNS_CNAME ? "CNAME"
                       : type == DNS_PTR   ? "PTR"
                       : type == DNS_MX    ? "MX"
                       : type == DNS_TXT   ? "TXT"
                       : type == DNS_AAAA  ? "AAAA"
                                           : NULL;

    if (name) {
        writer_text(w, name);
    } else {
        writer_text(w, "TYPE"); /* RFC 3597 section 5 */
        writer_number(w, type);
    }
}

bool dns_read_address(uint16_t type, struct span rdata, struct ip_address *address_out)
{
    if (type == DNS_A && rdata.len == 4)
        *address_out = ip_address_v4(rdata.data);
    else if (type == DNS_AAAA && rdata.len == 16)
        *address_out = ip_address_v6(rdata.data);
    else
        return false;
    return true;
}

bool dns_read_name(struct span rdata, struct dns_name *name_out)
{
    struct cursor c = cursor_of(rdata);

    return dns_name_read(&c, name_out) && cursor_left(&c) == 0;
}

bool dns_read_mx(struct span rdata, uint16_t *preference_out, struct dns_name *name_out)
{
    struct cursor c = cursor_of(rdata);

    *preference_out = cursor_u16(&c);
    return dns_name_read(&c, name_out) && cursor_left(&c) == 0;
}

bool dns_read_text(struct span rdata, struct writer *w)
{
    struct cursor c = cursor_of(rdata);

    while (cursor_left(&c) && !c.bad)
        writer_span_put(w, cursor_take(&c, cursor_u8(&c)));
    return !c.bad && !w->full;
}
