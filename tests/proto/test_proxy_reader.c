/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/proxy/proxy_reader.h"
#include "tests/harness/check.h"

/* A header, and four bytes behind it that are not its own. */
struct header {
    uint8_t bytes[PROXY_HEADER_MAX + 64];
    size_t len;
};

static const uint8_t tcp4[12] = {192, 0, 2, 1, 198, 18, 0, 2, 0x30, 0x39, 0, 25};

static void put(struct header *h, const void *bytes, size_t n)
{
    memcpy(h->bytes + h->len, bytes, n);
    h->len += n;
}

static void begin(struct header *h, uint8_t command, uint8_t family)
{
    h->len = 0;
    put(h, "\r\n\r\n\0\r\nQUIT\n", 12);
    put(h, (uint8_t[]){command, family, 0, 0}, 4);
}

static void put_tlv(struct header *h, uint8_t type, const void *value, size_t n)
{
    put(h, (uint8_t[]){type, (uint8_t)(n >> 8), (uint8_t)n}, 3);
    put(h, value, n);
}

static void end(struct header *h)
{
    h->bytes[14] = (uint8_t)((h->len - 16) >> 8);
    h->bytes[15] = (uint8_t)(h->len - 16);
    memcpy(h->bytes + h->len, "EHLO", 4);
}

/* Bit by bit, the other way round than the reader does it. */
static uint32_t crc32c(const uint8_t *bytes, size_t n)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < n * 8; i++) {
        uint32_t bit = (crc ^ bytes[i / 8] >> i % 8) & 1;

        crc = (crc >> 1) ^ (bit ? 0x82f63b78u : 0);
    }
    return ~crc;
}

/* Behind the last TLV: the checksum of it all. */
static void put_crc(struct header *h)
{
    size_t at = h->len + 3;
    uint32_t crc;

    put_tlv(h, 3, "\0\0\0\0", 4);
    end(h);
    crc = crc32c(h->bytes, h->len);
    for (size_t i = 0; i < 4; i++)
        h->bytes[at + i] = (uint8_t)(crc >> (24 - 8 * i));
}

/* Feeds it cut in two, at an unreadable page; whatever the cut, it is the same and not a byte more
 * is taken. */
static enum proxy_status feed(const struct header *h, struct proxy_reader *r)
{
    enum proxy_status first = PROXY_BAD;

    for (size_t cut = 0; cut <= h->len + 4; cut++) {
        struct span a = guard_copy(span_of(h->bytes, cut), true);
        struct span b = guard_copy(span_of(h->bytes + cut, h->len + 4 - cut), true);
        struct span in = a, rest = b;
        enum proxy_status status;

        proxy_reader_init(r);
        status = proxy_reader_feed(r, &in);
        if (status == PROXY_MORE) {
            CHECK(in.len == 0);
            status = proxy_reader_feed(r, &rest);
        }
        if (status == PROXY_DONE)
            CHECK(in.len + rest.len == 4);
        if (cut == 0)
            first = status;
        CHECK(status == first);
        guard_free(a);
        guard_free(b);
    }
    return first;
}

static bool is(const struct ip_address *a, const char *text)
{
    struct ip_address b;

    return ip_address_parse(span_text(text), &b) && ip_address_equal(a, &b);
}

static void addresses_are_read(void)
{
    struct proxy_endpoints e;
    struct proxy_reader r;
    struct header h;
    uint8_t tcp6[36] = {0x20, 1, 0xd, 0xb8, [15] = 1, [16] = 0x20, 1, 0, 2, [31] = 2, 1, 2, 3, 4};

    begin(&h, 0x21, 0x11);
    put(&h, tcp4, 12);
    end(&h);
    CHECK(feed(&h, &r) == PROXY_DONE && proxy_reader_endpoints(&r, &e));
    CHECK(is(&e.client, "192.0.2.1") && is(&e.server, "198.18.0.2"));
    CHECK(e.client_port == 12345 && e.server_port == 25);
    begin(&h, 0x21, 0x21);
    put(&h, tcp6, 36);
    put_tlv(&h, 0x20, "whatever", 8);
    put_tlv(&h, 0x30, "", 0);
    end(&h);
    CHECK(feed(&h, &r) == PROXY_DONE && proxy_reader_endpoints(&r, &e));
    CHECK(is(&e.client, "2001:db8::1") && is(&e.server, "2001:2::2"));
    CHECK(e.client_port == 0x102 && e.server_port == 0x304);
}

static void some_speak_for_nobody(void)
{
    static const uint8_t path[216] = "/run/socket";
    struct proxy_endpoints e;
    struct proxy_reader r;
    struct header h;

    begin(&h, 0x20, 0x00);
    end(&h);
    CHECK(feed(&h, &r) == PROXY_DONE && !proxy_reader_endpoints(&r, &e));
    /* LOCAL: the family and what follows are passed over, whatever they are. */
    begin(&h, 0x20, 0xff);
    put(&h, "\3\377\377 anything", 11);
    end(&h);
    CHECK(feed(&h, &r) == PROXY_DONE && !proxy_reader_endpoints(&r, &e));
    begin(&h, 0x21, 0x00);
    put(&h, "\3\377\377", 3);
    end(&h);
    CHECK(feed(&h, &r) == PROXY_DONE && !proxy_reader_endpoints(&r, &e));
    begin(&h, 0x21, 0x31);
    put(&h, path, 216);
    put_tlv(&h, 4, "", 0);
    end(&h);
    CHECK(feed(&h, &r) == PROXY_DONE && !proxy_reader_endpoints(&r, &e));
}

static void the_checksum_is_checked(void)
{
    struct proxy_reader r;
    struct header h;

    CHECK(crc32c((const uint8_t *)"123456789", 9) == 0xe3069283u);
    begin(&h, 0x21, 0x11);
    put(&h, tcp4, 12);
    put_tlv(&h, 1, "smtp", 4);
    put_crc(&h);
    CHECK(feed(&h, &r) == PROXY_DONE);
    for (size_t i = 16; i < h.len; i++) {
        /* Under another type it is no checksum. */
        if (i == h.len - 7)
            continue;
        h.bytes[i] ^= 0x10;
        proxy_reader_init(&r);
        CHECK(proxy_reader_feed(&r, &(struct span){h.bytes, h.len}) == PROXY_BAD);
        h.bytes[i] ^= 0x10;
    }
    put_tlv(&h, 3, "\0\0\0\0", 4); /* twice */
    end(&h);
    CHECK(feed(&h, &r) == PROXY_BAD);
    begin(&h, 0x21, 0x11);
    put(&h, tcp4, 12);
    put_tlv(&h, 3, "\0\0\0", 3);
    end(&h);
    CHECK(feed(&h, &r) == PROXY_BAD);
}

static void what_is_malformed_is_bad(void)
{
    static const uint8_t fixed[][2] = {{0x11, 0x11}, {0x22, 0x11}, {0x31, 0x11}, {0x2f, 0x11},
                                       {0x21, 0x12}, {0x21, 0x22}, {0x21, 0x10}, {0x21, 0x41}};
    struct proxy_reader r;
    struct header h;

    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        begin(&h, fixed[i][0], fixed[i][1]);
        put(&h, (uint8_t[36]){0}, 36);
        end(&h);
        CHECK(feed(&h, &r) == PROXY_BAD);
    }
    begin(&h, 0x21, 0x11);
    put(&h, tcp4, 11); /* too short for its family */
    end(&h);
    CHECK(feed(&h, &r) == PROXY_BAD);
    for (size_t i = 1; i < 4; i++) { /* a TLV cut short */
        begin(&h, 0x21, 0x11);
        put(&h, tcp4, 12);
        put(&h, "\1\0\2a", i + (i == 3));
        end(&h);
        CHECK(feed(&h, &r) == PROXY_BAD);
    }
    h.len = 0;
    put(&h, "PROXY TCP4 192.0.2.1 198.18.0.2 12345 25\r\n", 42);
    CHECK(feed(&h, &r) == PROXY_BAD);
    h.len = 0;
    put(&h, "EHLO client.test\r\n", 18);
    CHECK(feed(&h, &r) == PROXY_BAD);
}

static void its_length_is_bounded(void)
{
    static const uint8_t zero[PROXY_HEADER_MAX];
    struct proxy_reader r;
    struct header h;

    begin(&h, 0x20, 0);
    put(&h, zero, PROXY_HEADER_MAX - 16);
    end(&h);
    proxy_reader_init(&r);
    CHECK(proxy_reader_feed(&r, &(struct span){h.bytes, h.len}) == PROXY_DONE);
    put(&h, zero, 1);
    end(&h);
    proxy_reader_init(&r);
    CHECK(proxy_reader_feed(&r, &(struct span){h.bytes, 16}) == PROXY_BAD);
}

int main(void)
{
    check_begin();
    CHECK_CASE(addresses_are_read);
    CHECK_CASE(some_speak_for_nobody);
    CHECK_CASE(the_checksum_is_checked);
    CHECK_CASE(what_is_malformed_is_bad);
    CHECK_CASE(its_length_is_bounded);
    return check_end();
}
