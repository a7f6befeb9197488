/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/capture/tap_owner.h"
#include "proto/base/cursor.h"
#include "tests/fuzz/observer_watch.h"

/* Whole frames, each behind two octets: which link type and how much was cut, and its length. The
 * first octet of all chooses the policy. */
static const uint16_t links[] = {1, 1, 1, 1, 0, 101, 108, 113, 228, 229, 276, 147};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor in = cursor_of(span_of(data, size));
    struct tcp_observer_options observer;
    struct tap_input_options options;
    struct tap_input *input;
    struct tcp_observer *o;
    uint64_t now = 0;
    uint32_t hash;

    tcp_observer_defaults(&observer);
    observer.flows = 4;
    observer.memory = 64 * 2048;
    o = watch_new(&observer);
    tap_input_defaults(&options);
    options.policy = cursor_u8(&in) % OVERLAP_POLICY_COUNT;
    options.datagrams = 3;
    options.fragment_memory = 40 * 2048;
    input = tap_input_new(&options, o);
    while (!in.bad && cursor_left(&in)) {
        uint8_t how = cursor_u8(&in), len = cursor_u8(&in);
        struct span bytes = cursor_take(&in, len < cursor_left(&in) ? len : cursor_left(&in));
        uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
        struct tap_input_frame frame = {
            .bytes = span_of(copy, bytes.len),
            .wire_len = (uint32_t)bytes.len + (how & 16 ? 100 : 0),
            .link = links[(how & 15) % (sizeof(links) / sizeof(*links))],
            .time_ns = now += how & 32 ? 2000000000 : 1000000,
            .after_loss = how & 64,
        };

        if (bytes.len)
            memcpy(copy, bytes.data, bytes.len);
        tap_owner_hash(&frame, options.vxlan_port, &hash);
        tap_input_feed(input, &frame);
        free(copy);
    }
    tap_input_free(input);
    watch_free(o);
    return 0;
}
