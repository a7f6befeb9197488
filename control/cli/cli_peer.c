/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_peer.h"

#include <stdio.h>

#include "proto/base/peer_text.h"

enum { SHOWN_MAX = 4096 }; /* bytes of a text that are shown */

json_t *cli_peer_json(struct span bytes)
{
    uint8_t text[SHOWN_MAX];
    struct writer w = writer_of(text, sizeof(text));

    peer_text(&w, bytes, sizeof(text), PEER_TEXT_UTF8);
    return json_stringn((const char *)text, w.len);
}

void cli_peer_print(struct span bytes)
{
    uint8_t text[SHOWN_MAX];
    struct writer w = writer_of(text, sizeof(text));

    peer_text(&w, bytes, sizeof(text), PEER_TEXT_UTF8);
    fwrite(text, 1, w.len, stdout);
}
