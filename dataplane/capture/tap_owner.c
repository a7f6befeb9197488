/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/capture/tap_owner.h"

#include "dataplane/capture/tap_frame.h"
#include "dataplane/tcp/flow_owner.h"

static bool of_segment(const struct ip_address *source, const struct ip_address *destination,
                       struct span segment, uint32_t *hash_out)
{
    if (segment.len < 4)
        return false;
    *hash_out =
        flow_owner_hash(source, destination, (uint16_t)(segment.data[0] << 8 | segment.data[1]),
                        (uint16_t)(segment.data[2] << 8 | segment.data[3]));
    return true;
}

bool tap_owner_hash(const struct tap_input_frame *frame, uint16_t vxlan_port, uint32_t *hash_out)
{
    struct tap_frame f = tap_frame_of(frame->bytes, frame->wire_len, frame->link);
    enum tap_frame_step step;

    do
        step = tap_frame_next(&f, vxlan_port);
    while (step == TAP_FRAME_ON);
    if (step == TAP_FRAME_TCP)
        return of_segment(&f.source, &f.destination, f.bytes, hash_out);
    *hash_out = step == TAP_FRAME_FRAGMENT ? flow_owner_hash(&f.source, &f.destination, 0, 0) : 0;
    return step == TAP_FRAME_FRAGMENT;
}

bool tap_owner_packet(const struct observed_packet *packet, uint32_t *hash_out)
{
    return of_segment(&packet->source, &packet->destination, packet->segment, hash_out);
}
