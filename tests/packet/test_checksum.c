/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/packet/checksum.h"
#include "tests/harness/check.h"
#include "tests/packet/packet.h"

enum { LONGEST = 300 };

static uint8_t bytes[LONGEST];

static void fill(void)
{
    for (size_t i = 0; i < LONGEST; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
}

static uint16_t in_host_order(uint16_t memory)
{
    uint8_t b[2];

    memcpy(b, &memory, 2);
    return (uint16_t)(b[0] << 8 | b[1]);
}

static void every_length_and_cut_agrees_with_the_reference(void)
{
    fill();
    for (size_t len = 0; len <= LONGEST; len++) {
        uint16_t expected = packet_reference_sum(bytes, len, 0);

        for (size_t cut = 0; cut <= len; cut++) {
            struct checksum c = {0};

            checksum_add(&c, bytes, cut);
            checksum_add(&c, bytes + cut, len - cut);
            if (!CHECK(in_host_order(checksum_fold(&c)) == expected))
                return;
        }
    }
}

static void copying_sums_the_same_and_copies_all(void)
{
    fill();
    for (size_t len = 0; len <= LONGEST; len++) {
        for (size_t cut = 0; cut <= len; cut++) {
            uint8_t out[LONGEST + 1] = {0};
            struct checksum c = {0};

            out[len] = 0xee;
            checksum_copy(&c, out, bytes, cut);
            checksum_copy(&c, out + cut, bytes + cut, len - cut);
            if (!CHECK(in_host_order(checksum_fold(&c)) == packet_reference_sum(bytes, len, 0)) ||
                !CHECK(memcmp(out, bytes, len) == 0 && out[len] == 0xee))
                return;
        }
    }
}

static void reads_nothing_outside(void)
{
    fill();
    for (size_t len = 0; len < 200; len++) {
        struct span copy = guard_copy(span_of(bytes, len), true);
        struct checksum c = {0};
        uint8_t out[200];

        checksum_add(&c, copy.data, copy.len);
        checksum_copy(&c, out, copy.data, copy.len);
        guard_free(copy);
    }
    CHECK(true);
}

static void sums_of_ones_fold(void)
{
    uint8_t ones[64];
    struct checksum c = {0};

    memset(ones, 0xff, sizeof(ones));
    checksum_add(&c, ones, sizeof(ones));
    CHECK(checksum_fold(&c) == 0xffff);
    CHECK(checksum_final(&c) == 0);
}

static void pseudo_headers_agree_with_finished_packets(void)
{
    for (int v4 = 0; v4 < 2; v4++) {
        struct ip_address from = v4 ? PACKET_PEER4 : PACKET_PEER6,
                          to = v4 ? PACKET_OURS4 : PACKET_OURS6;
        struct checksum c = {0};
        struct packet p;

        packet_segment(&p, v4, 1000, 25, 123);
        checksum_pseudo(&c, &from, &to, 6, (uint32_t)(p.len - p.l4));
        checksum_add(&c, p.bytes + p.l4, p.len - p.l4);
        CHECK(checksum_fold(&c) == 0xffff);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(every_length_and_cut_agrees_with_the_reference);
    CHECK_CASE(copying_sums_the_same_and_copies_all);
    CHECK_CASE(reads_nothing_outside);
    CHECK_CASE(sums_of_ones_fold);
    CHECK_CASE(pseudo_headers_agree_with_finished_packets);
    return check_end();
}
