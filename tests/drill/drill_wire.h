/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_DRILL_DRILL_WIRE_H
#define TESTS_DRILL_DRILL_WIRE_H

#include "proto/base/ip_address.h"
#include "tests/drill/drill_script.h"

/* Packets of scripts as bytes and back. */
enum { DRILL_PACKET = 65535 };

struct drill_path {
    struct ip_address source, destination;
    uint16_t source_port, destination_port;
};

/* The payload's byte at an offset from the SYN: what each side sends is known to both. */
uint8_t drill_byte(uint32_t offset);
/* Writes a TCP packet; its payload is the bytes from `offset` on. Returns its length. */
size_t drill_wire_tcp(uint8_t *packet, const struct drill_path *path, const struct drill_tcp *tcp,
                      uint32_t offset);
/* Writes an ICMP error that quotes the beginning of a TCP packet on `path` (of the endpoint). */
size_t drill_wire_icmp(uint8_t *packet, const struct drill_path *path,
                       const struct drill_icmp *icmp, uint32_t seq);
/* Reads what the endpoint sent; false: it is no TCP packet, or a checksum is wrong. */
bool drill_wire_read(struct span packet, struct drill_path *path_out, struct drill_tcp *tcp_out,
                     struct span *payload_out);
/* In the language, for messages. */
void drill_wire_print(const struct drill_tcp *tcp, char *into, size_t room);

#endif
