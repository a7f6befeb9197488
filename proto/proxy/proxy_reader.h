/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_PROXY_PROXY_READER_H
#define PROTO_PROXY_PROXY_READER_H

#include "proto/base/ip_address.h"

/*
 * The header by which a proxy in front says whom it speaks for: version 2 of HAProxy's PROXY
 * protocol (its proxy-protocol.txt, section 2.2), binary, before anything else on the connection.
 * TLVs are passed over but for the checksum, which is checked where it stands.
 */
enum proxy_status { PROXY_MORE, PROXY_DONE, PROXY_BAD };

enum {
    PROXY_HEADER_MAX = 4096, /* octets of a header with its TLVs; a longer one is bad */
    PROXY_HELD = 52,         /* of them kept: the fixed part, and the addresses of IPv6 */
};

/* 72 bytes, all there is: nothing else is held between inputs. */
struct proxy_reader {
    uint32_t crc;      /* CRC32c of all so far, the checksum's own octets taken as zero */
    uint32_t expected; /* as the TLV says */
    uint16_t at;       /* octets read */
    uint16_t size;     /* of the whole header, once the fixed part was read */
    uint16_t tlv_left; /* octets of the open TLV's value */
    uint8_t tlv_at;    /* octets of its type and length read */
    uint8_t tlv_type;
    bool checked; /* there is a checksum */
    uint8_t held[PROXY_HELD];
};

struct proxy_endpoints {
    struct ip_address client, server;
    uint16_t client_port, server_port;
};

void proxy_reader_init(struct proxy_reader *r);
/*
 * Takes bytes of the header from *in and moves it behind them, never further than the header. Final
 * once it is not PROXY_MORE. Bound: one pass, PROXY_HEADER_MAX octets in all.
 */
enum proxy_status proxy_reader_feed(struct proxy_reader *r, struct span *in);
/* After PROXY_DONE: whom it speaks for. False: for itself (LOCAL), or by no IP address (UNSPEC,
 * UNIX); the connection's own endpoints hold. */
bool proxy_reader_endpoints(const struct proxy_reader *r, struct proxy_endpoints *endpoints_out);

#endif
