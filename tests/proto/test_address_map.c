/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address_map.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <stdlib.h>

/* Canonical maps and masquerading of one address. */

static struct address_map_row row(const char *key, const char *to)
{
    return (struct address_map_row){span_text(key), span_text(to)};
}

static struct address_map_row senders[8], recipients[8];
static struct span domains[8], except[2];

static struct address_maps maps(void)
{
    struct address_maps m = {.classes = 15,
                             .masqueraded = ADDRESS_MAP_ENVELOPE_SENDER | ADDRESS_MAP_HEADER_SENDER,
                             .rows = {senders, recipients},
                             .count = {5, 1},
                             .domains = domains,
                             .domain_count = 3,
                             .except = except,
                             .except_count = 1};

    senders[0] = row("anna@old.test", "Anna.Berg@new.test");
    senders[1] = row("@old.test", "@mid.b.test");
    senders[2] = row("@one.test", "all@one.example");
    senders[3] = row("a b@old.test", "quoted@new.test");
    senders[4] = row("loop@loop.test", "LOOP@loop.test");
    qsort(senders, 5, sizeof(senders[0]), address_map_compare);
    recipients[0] = row("@old.test", "@xn--bcher-kva.example");
    domains[0] = span_text("!keep.b.test");
    domains[1] = span_text("x.b.test");
    domains[2] = span_text("b.test");
    except[0] = span_text("root");
    return m;
}

static void check_map(enum address_map_class where, const char *from, const char *to)
{
    struct address_maps m = maps();
    uint8_t text[ADDRESS_MAP_MAX];
    struct writer w = writer_of(text, sizeof(text));
    struct address address;
    struct span copy = guard_copy(span_text(from), true);
    bool changed;

    CHECK(address_mailbox(copy, ADDRESS_ALLOW_UTF8, &address) == ADDRESS_OK);
    changed = address_map(&m, where, &address, &w);
    if (!CHECK(changed == (to != NULL)) || (to && !CHECK_TEXT(writer_span(&w), to)))
        printf("# %s\n", from);
    CHECK(changed || w.len == 0);
    guard_free(copy);
}

static void addresses_come_before_domains(void)
{
    check_map(ADDRESS_MAP_HEADER_SENDER, "anna@old.test", "Anna.Berg@new.test");
    check_map(ADDRESS_MAP_HEADER_SENDER, "ANNA@Old.Test", "Anna.Berg@new.test");
    check_map(ADDRESS_MAP_HEADER_SENDER, "\"anna\"@old.test", "Anna.Berg@new.test");
    check_map(ADDRESS_MAP_HEADER_SENDER, "\"A B\"@old.test", "quoted@new.test");
    check_map(ADDRESS_MAP_HEADER_SENDER, "any@one.test", "all@one.example");
    check_map(ADDRESS_MAP_HEADER_SENDER, "anna@sub.old.test", NULL);
    check_map(ADDRESS_MAP_HEADER_SENDER, "anna@[198.18.0.1]", NULL);
    check_map(ADDRESS_MAP_HEADER_SENDER, "LOOP@loop.test", NULL);
    /* The local part stays as it is spelled. */
    check_map(ADDRESS_MAP_HEADER_RECIPIENT, "Bert@OLD.test", "Bert@xn--bcher-kva.example");
    check_map(ADDRESS_MAP_ENVELOPE_RECIPIENT, "\"B \\\" c\"@old.test",
              "\"B \\\" c\"@xn--bcher-kva.example");
    check_map(ADDRESS_MAP_ENVELOPE_RECIPIENT, "\xc3\xbc@old.test",
              "\xc3\xbc@xn--bcher-kva.example");
}

static void hosts_are_left_out(void)
{
    check_map(ADDRESS_MAP_ENVELOPE_SENDER, "Bert@host.b.test", "Bert@b.test");
    check_map(ADDRESS_MAP_ENVELOPE_SENDER, "bert@a.host.X.b.test", "bert@x.b.test");
    check_map(ADDRESS_MAP_ENVELOPE_SENDER, "bert@x.b.test", NULL);
    check_map(ADDRESS_MAP_ENVELOPE_SENDER, "bert@b.test", NULL);
    check_map(ADDRESS_MAP_ENVELOPE_SENDER, "bert@ab.test", NULL);
    check_map(ADDRESS_MAP_ENVELOPE_SENDER, "bert@keep.b.test", NULL);
    check_map(ADDRESS_MAP_ENVELOPE_SENDER, "bert@a.keep.b.test", NULL);
    check_map(ADDRESS_MAP_ENVELOPE_SENDER, "Root@host.b.test", NULL);
    check_map(ADDRESS_MAP_ENVELOPE_RECIPIENT, "bert@host.b.test", NULL);
    /* Behind the canonical map. */
    check_map(ADDRESS_MAP_HEADER_SENDER, "bert@old.test", "bert@b.test");
}

/* Nothing comes out that is no address. */
static void what_gets_too_long_stays(void)
{
    char long_to[300] = "@", address[400] = "x@old.test";
    struct address_map_row long_row;
    struct address_maps m = maps();
    uint8_t text[ADDRESS_MAP_MAX];
    struct writer w = writer_of(text, 20);
    struct address a;

    CHECK(address_mailbox(span_text("y@old.test"), 0, &a) == ADDRESS_OK);
    CHECK(!address_map(&m, ADDRESS_MAP_ENVELOPE_RECIPIENT, &a, &w) && w.len == 0);
    for (int i = 0; i < 4; i++)
        snprintf(long_to + strlen(long_to), sizeof(long_to) - strlen(long_to), "%s%063d",
                 i ? "." : "", 0);
    strcat(long_to, ".test");
    long_row = row("@old.test", long_to);
    m.rows[1] = &long_row;
    w = writer_of(text, sizeof(text));
    CHECK(address_mailbox(span_text(address), 0, &a) == ADDRESS_OK);
    CHECK(!address_map(&m, ADDRESS_MAP_ENVELOPE_RECIPIENT, &a, &w) && w.len == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(addresses_come_before_domains);
    CHECK_CASE(hosts_are_left_out);
    CHECK_CASE(what_gets_too_long_stays);
    return check_end();
}
