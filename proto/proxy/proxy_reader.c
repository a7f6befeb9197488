/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/proxy/proxy_reader.h"

/* sig[12], ver_cmd, fam, len[2]; then the addresses, by family; then TLVs up to len. */
enum {
    SIGNATURE = 12,
    FIXED = 16,
    COMMAND_LOCAL = 0x20,
    COMMAND_PROXY = 0x21,
    FAMILY_UNSPEC = 0x00,
    FAMILY_TCP4 = 0x11,
    FAMILY_TCP6 = 0x21,
    FAMILY_UNIX = 0x31,
    TLV_CRC32C = 0x03,
};

static const uint8_t signature[SIGNATURE] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                             0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

/* One octet into a CRC32c (RFC 3720 appendix B.4: reflected polynomial 0x82f63b78). */
static uint32_t crc_step(uint32_t crc, uint8_t octet)
{
    crc ^= octet;
    for (int i = 0; i < 8; i++)
        crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    return crc;
}

void proxy_reader_init(struct proxy_reader *r)
{
    *r = (struct proxy_reader){.crc = UINT32_MAX};
}

static unsigned addresses_size(const struct proxy_reader *r)
{
    switch (r->held[13]) {
    case FAMILY_TCP4:
        return 12;
    case FAMILY_TCP6:
        return 36;
    default:
        return r->held[13] == FAMILY_UNIX ? 216 : 0;
    }
}

/* Whether what stands behind the fixed part means something: of LOCAL and UNSPEC it is passed over.
 */
static bool speaks(const struct proxy_reader *r)
{
    return r->held[12] == COMMAND_PROXY && r->held[13] != FAMILY_UNSPEC;
}

/* The fixed part is whole. */
static enum proxy_status begin(struct proxy_reader *r)
{
    unsigned len = (unsigned)r->held[14] << 8 | r->held[15];
    uint8_t family = r->held[13];

    if (FIXED + len > PROXY_HEADER_MAX)
        return PROXY_BAD;
    r->size = (uint16_t)(FIXED + len);
    if (r->held[12] == COMMAND_LOCAL)
        return PROXY_MORE;
    if (r->held[12] != COMMAND_PROXY || (family != FAMILY_UNSPEC && !addresses_size(r)) ||
        len < addresses_size(r))
        return PROXY_BAD;
    return PROXY_MORE;
}

/* type[1], length[2], value */
static enum proxy_status feed_tlv(struct proxy_reader *r, uint8_t octet)
{
    switch (r->tlv_at) {
    case 0:
        r->tlv_type = octet;
        break;
    case 1:
        r->tlv_left = (uint16_t)(octet << 8);
        break;
    case 2:
        r->tlv_left |= octet;
        if (r->tlv_left > r->size - r->at - 1)
            return PROXY_BAD;
        if (r->tlv_type == TLV_CRC32C && (r->tlv_left != 4 || r->checked))
            return PROXY_BAD;
        r->checked |= r->tlv_type == TLV_CRC32C;
        break;
    default:
        r->tlv_left--;
        if (r->tlv_type == TLV_CRC32C)
            r->expected = r->expected << 8 | octet;
    }
    if (r->tlv_at < 3)
        r->tlv_at++;
    if (r->tlv_at == 3 && r->tlv_left == 0)
        r->tlv_at = 0;
    return PROXY_MORE;
}

static enum proxy_status feed_octet(struct proxy_reader *r, uint8_t octet)
{
    enum proxy_status status = PROXY_MORE;
    bool of_checksum = r->tlv_at == 3 && r->tlv_type == TLV_CRC32C;

    if (r->at < SIGNATURE && octet != signature[r->at])
        return PROXY_BAD;
    if (r->at < PROXY_HELD)
        r->held[r->at] = octet;
    r->crc = crc_step(r->crc, of_checksum ? 0 : octet);
    if (r->at >= FIXED && speaks(r) && r->at >= FIXED + addresses_size(r))
        status = feed_tlv(r, octet);
    r->at++;
    return r->at == FIXED ? begin(r) : status;
}

static enum proxy_status finish(const struct proxy_reader *r)
{
    if (r->tlv_at || (r->checked && r->expected != ~r->crc))
        return PROXY_BAD;
    return PROXY_DONE;
}

enum proxy_status proxy_reader_feed(struct proxy_reader *r, struct span *in)
{
    while (r->at < FIXED || r->at < r->size) {
        if (in->len == 0)
            return PROXY_MORE;
        if (feed_octet(r, in->data[0]) == PROXY_BAD)
            return PROXY_BAD;
        *in = span_skip(*in, 1);
    }
    return finish(r);
}

static uint16_t port_at(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

bool proxy_reader_endpoints(const struct proxy_reader *r, struct proxy_endpoints *endpoints_out)
{
    const uint8_t *p = r->held + FIXED;

    if (!speaks(r) || r->held[13] == FAMILY_UNIX)
        return false;
    if (r->held[13] == FAMILY_TCP4)
        *endpoints_out = (struct proxy_endpoints){.client = ip_address_v4(p),
                                                  .server = ip_address_v4(p + 4),
                                                  .client_port = port_at(p + 8),
                                                  .server_port = port_at(p + 10)};
    else
        *endpoints_out = (struct proxy_endpoints){.client = ip_address_v6(p),
                                                  .server = ip_address_v6(p + 16),
                                                  .client_port = port_at(p + 32),
                                                  .server_port = port_at(p + 34)};
    return true;
}
