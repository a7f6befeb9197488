/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/packet/icmp_quote.h"
#include "tests/harness/check.h"
#include "tests/packet/packet.h"

/* An ICMP message around the packet that a segment of ours was. */
static size_t message_around(uint8_t message[512], bool v4, uint8_t type, uint8_t code,
                             uint32_t word)
{
    struct packet p;
    size_t len;

    packet_segment(&p, v4, 25, 1000, 100);
    len = p.len - p.l3;
    message[0] = type;
    message[1] = code;
    message[2] = message[3] = 0;
    for (int i = 0; i < 4; i++)
        message[4 + i] = (uint8_t)(word >> (24 - 8 * i));
    memcpy(message + 8, p.bytes + p.l3, len);
    return 8 + len;
}

static void errors_are_told_apart(void)
{
    static const struct {
        bool v4;
        uint8_t type, code;
        uint32_t word;
        bool error, hard;
        uint32_t mtu;
    } rows[] = {
        {true, 3, 0, 0, true, false, 0},       {true, 3, 3, 0, true, true, 0},
        {true, 3, 4, 1400, true, false, 1400}, {true, 11, 0, 0, true, false, 0},
        {true, 12, 0, 0, true, false, 0},      {true, 5, 0, 0, false, false, 0},
        {true, 8, 0, 0, false, false, 0},      {false, 1, 4, 0, true, true, 0},
        {false, 1, 0, 0, true, false, 0},      {false, 2, 0, 1280, true, false, 1280},
        {false, 3, 0, 0, true, false, 0},      {false, 4, 1, 0, true, true, 0},
        {false, 128, 0, 0, false, false, 0},
    };
    uint8_t message[512];

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct ip_address ours = rows[i].v4 ? PACKET_PEER4 : PACKET_PEER6;
        size_t len = message_around(message, rows[i].v4, rows[i].type, rows[i].code, rows[i].word);
        struct icmp_quote quote;

        CHECK(icmp_quote_read(span_of(message, len), rows[i].v4, &quote) == rows[i].error);
        if (!rows[i].error)
            continue;
        CHECK(quote.hard == rows[i].hard && quote.mtu == rows[i].mtu);
        CHECK(ip_address_equal(&quote.source, &ours));
        CHECK(quote.header.len == 124 && quote.header.data[1] == 25);
    }
}

/* RFC 792: the header and 8 bytes are enough; fewer are refused, and nothing behind them is read.
 */
static void quotes_are_cut_anywhere(void)
{
    for (int v4 = 0; v4 < 2; v4++) {
        uint8_t message[512];
        size_t len = message_around(message, v4, v4 ? 3 : 1, 0, 0), least = 8 + (v4 ? 20 : 40) + 8;

        for (size_t n = 0; n <= len; n++) {
            struct span copy = guard_copy(span_of(message, n), true);
            struct icmp_quote quote;

            CHECK(icmp_quote_read(copy, v4, &quote) == (n >= least));
            guard_free(copy);
        }
    }
}

static void quotes_of_other_packets_are_refused(void)
{
    uint8_t message[512];
    size_t len = message_around(message, true, 3, 3, 0);
    struct icmp_quote quote;

    message[8 + 9] = 17;
    CHECK(!icmp_quote_read(span_of(message, len), true, &quote));
    message[8 + 9] = 6;
    message[8 + 7] = 1; /* a later fragment */
    CHECK(!icmp_quote_read(span_of(message, len), true, &quote));
    message[8 + 7] = 0;
    message[8] = 0x44;
    CHECK(!icmp_quote_read(span_of(message, len), true, &quote));
    len = message_around(message, false, 1, 0, 0);
    message[8 + 6] = 60;
    CHECK(!icmp_quote_read(span_of(message, len), false, &quote));
}

int main(void)
{
    check_begin();
    CHECK_CASE(errors_are_told_apart);
    CHECK_CASE(quotes_are_cut_anywhere);
    CHECK_CASE(quotes_of_other_packets_are_refused);
    return check_end();
}
