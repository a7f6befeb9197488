/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/tls_stream.h"

#include <stdlib.h>

#include "proto/base/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte chooses a suite, its version and the order of encryption and MAC, and with its
 * highest bit the client's side; then records: type, length in two bytes, content. One whose type
 * has its highest bit set is opened as it stands; others are sealed as a peer would, so that what
 * is behind the tag is reached too.
 */
static struct tls_crypto *crypto;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static uint32_t suites(void)
{
    uint32_t n = 0;

    while (tls_suite_at(n))
        n++;
    return n;
}

static struct tls_keys keys_for(uint8_t choice)
{
    static const uint16_t versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_0, TLS_VERSION_1_1};
    const struct tls_suite *suite = tls_suite_at(choice % suites());
    uint32_t way = choice / suites();
    struct tls_keys keys = {.version = suite->tls13 ? TLS_VERSION_1_3 : versions[way / 2 % 3],
                            .suite = suite->id,
                            .etm = suite->mac && way % 2};

    if (!tls_suite_is_of(suite, keys.version))
        keys.version = TLS_VERSION_1_2;
    keys.read.secret[0] = keys.write.secret[0] = 1;
    return keys;
}

static enum tls_event step(struct tls_stream *peer, struct tls_stream *us, uint8_t type,
                           struct span content, struct span *got)
{
    static uint8_t sealed[TLS_PLAIN_MAX + TLS_STREAM_ROOM], room[TLS_SEALED_MAX];
    uint64_t serial = us->record.read.serial;
    enum tls_event event;
    size_t len;

    if (type & 0x80)
        return tls_stream_open(us, crypto, content, room, got);
    len = tls_record_seal(&peer->record, crypto, (enum tls_content)type, content, sealed);
    must(len != 0);
    event = tls_stream_open(us, crypto, span_of(sealed, len), room, got);
    if (us->record.read.serial != serial)
        tls_record_update(&peer->record, crypto, &peer->record.write);
    return event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t answer[1 + TLS_STREAM_ROOM];
    struct cursor in = cursor_of(span_of(data, size));
    uint8_t first = cursor_u8(&in);
    struct tls_keys keys = keys_for(first & 0x7f);
    enum tls_event event = TLS_EVENT_NONE;
    struct tls_stream peer, us;
    struct span got;

    if (!crypto)
        crypto = tls_crypto_new();
    must(tls_stream_init(&peer, crypto, &keys));
    must(first & 0x80 ? tls_stream_init_client(&us, crypto, &keys)
                      : tls_stream_init(&us, crypto, &keys));
    while (cursor_left(&in) && !in.bad && (event == TLS_EVENT_NONE || event == TLS_EVENT_DATA)) {
        uint8_t type = cursor_u8(&in);
        size_t len = cursor_u16(&in) % (TLS_PLAIN_MAX + 1);
        struct span content = cursor_take(&in, len < cursor_left(&in) ? len : cursor_left(&in));

        event = step(&peer, &us, type, content, &got);
        must((event == TLS_EVENT_DATA) == (got.len > 0));
        if (event == TLS_EVENT_DATA) {
            must(span_equal(got, content));
            tls_stream_taken(&us);
            must(tls_stream_seal(&us, crypto, span_text("x"), answer) != 0);
        }
    }
    must((event == TLS_EVENT_BAD) == (us.alert != TLS_NO_ALERT));
    return 0;
}
