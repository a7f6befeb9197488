/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RDATA and names as they come from DNS. What was read as a name is a name, and means the same when
 * it is read again; text becomes a name, or does not, in one way.
 */
#include <stdlib.h>

#include "proto/dns/dns_answer.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void look_at_name(const struct dns_name *name)
{
    uint8_t text[DNS_SHOWN_MAX];
    struct writer w = writer_of(text, sizeof(text));
    struct dns_name again;

    dns_name_put(&w, name);
    MUST(!w.full && w.len > 0);
    MUST(dns_name_read(&(struct cursor){name->wire, name->wire + name->len, false}, &again));
    MUST(dns_name_equal(name, &again) && dns_name_under(name, &again));
    MUST(dns_name_labels(name) <= 127);
    /* Escapes are what else makes a text that is no plain name. */
    if (dns_name_plain(name) && name->len > 1 && span_find(writer_span(&w), '\\') < 0)
        MUST(dns_name_of_text(writer_span(&w), &again) && dns_name_equal(name, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t text[1 << 16];
    struct writer w = writer_of(text, sizeof(text));
    struct span in = span_of(data, size);
    struct dns_name name;
    struct ip_address ip;
    uint16_t preference;

    if (dns_read_name(in, &name))
        look_at_name(&name);
    else
        MUST(!dns_read_mx(in, &preference, &name) || size >= 3);
    if (dns_read_mx(in, &preference, &name))
        look_at_name(&name);
    if (dns_name_of_text(in, &name))
        look_at_name(&name);
    else
        MUST(name.len == 0);
    MUST(dns_read_address(DNS_A, in, &ip) == (size == 4));
    MUST(dns_read_address(DNS_AAAA, in, &ip) == (size == 16));
    if (dns_read_text(in, &w))
        MUST(w.len <= size);
    return 0;
}
