/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/clientconfig/client_uuid.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

/* RFC 9562 section 6.6 */
static const unsigned char name_space_dns[16] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                                 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

void client_uuid_of_name(const char *name, char text_out[CLIENT_UUID_TEXT])
{
    unsigned char in[1024] = {0}, out[SHA_DIGEST_LENGTH];
    size_t len = strnlen(name, sizeof(in) - sizeof(name_space_dns));
    char *at = text_out;

    memcpy(in, name_space_dns, sizeof(name_space_dns));
    memcpy(in + sizeof(name_space_dns), name, len);
    SHA1(in, sizeof(name_space_dns) + len, out);
    out[6] = (unsigned char)((out[6] & 0x0f) | 0x50); /* version */
    out[8] = (unsigned char)((out[8] & 0x3f) | 0x80); /* variant */
    for (int i = 0; i < 16; i++)
        at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02X" : "%02X", out[i]);
}
