/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/net.h"

#include <stdlib.h>

#include "dataplane/net/icmp_error.h"
#include "dataplane/net/net_state.h"

static bool is_zero(const struct ip_address *a)
{
    static const struct ip_address zero;
    const struct ip_address any = ip_address_v4(zero.bytes);

    return ip_address_equal(a, &zero) || ip_address_equal(a, &any);
}

static bool is_group(const struct ip_address *a)
{
    return ip_address_is_v4(a) ? a->bytes[12] >= 224 : a->bytes[0] == 0xff;
}

bool net_options_check(const struct net_options *o, struct writer *why)
{
    for (uint32_t i = 0; i < o->address_count; i++) {
        const struct net_address *a = &o->addresses[i];
        bool v4 = ip_address_is_v4(&a->address);
        const char *fault = NULL;

        if (is_zero(&a->address) || is_group(&a->address))
            fault = "is no address that a host can have";
        else if (a->prefix > (v4 ? 32 : 128))
            fault = "has a prefix longer than the address";
        else if (a->has_gateway && ip_address_is_v4(&a->gateway) != v4)
            fault = "has a gateway of the other family";
        for (uint32_t j = 0; !fault && j < i; j++)
            if (ip_address_equal(&o->addresses[j].address, &a->address))
                fault = "stands there twice";
        if (fault) {
            ip_address_put(why, &a->address);
            writer_printf(why, " %s", fault);
            return false;
        }
    }
    if (o->address_count == 0 || o->address_count > NET_ADDRESSES || o->vlan > NET_VLAN_MAX) {
        writer_printf(
            why, "%u addresses and VLAN %u: there must be 1 to %d addresses, and a VLAN of 0 to %d",
            o->address_count, o->vlan, NET_ADDRESSES, NET_VLAN_MAX);
        return false;
    }
    return true;
}

/* Mixes all 16 bytes; the addresses are our own, so nobody else chooses them. */
static uint32_t slot_of(const struct ip_address *a)
{
    uint64_t low, high;

    memcpy(&high, a->bytes, 8);
    memcpy(&low, a->bytes + 8, 8);
    return (uint32_t)(((low ^ high) * UINT64_C(0x9e3779b97f4a7c15)) >> 56) % NET_ADDRESS_SLOTS;
}

static void set_mask(struct net_own *own)
{
    /* IPv4 lies mapped behind 96 bits that are alike in all of them. */
    uint32_t bits = own->a.prefix + (ip_address_is_v4(&own->a.address) ? 96u : 0u);
    uint8_t mask[16] = {0};

    for (uint32_t i = 0; i < bits; i++)
        mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
    memcpy(own->mask, mask, sizeof(own->mask));
}

static void add_own(struct net *net, const struct net_address *a, enum net_address_state state)
{
    uint32_t slot = slot_of(&a->address);

    while (net->slots[slot])
        slot = (slot + 1) % NET_ADDRESS_SLOTS;
    net->own[net->own_count] = (struct net_own){.a = *a, .state = (uint8_t)state};
    set_mask(&net->own[net->own_count]);
    net->slots[slot] = (uint8_t)++net->own_count;
}

struct net_own *net_own(struct net *net, const struct ip_address *address)
{
    for (uint32_t slot = slot_of(address); net->slots[slot];
         slot = (slot + 1) % NET_ADDRESS_SLOTS) {
        struct net_own *own = &net->own[net->slots[slot] - 1];

        if (ip_address_equal(&own->a.address, address))
            return own;
    }
    return NULL;
}

/* fe80::/64 with the modified EUI-64 of our MAC address (RFC 4291 section 2.5.1 and appendix A). */
static struct net_address link_local(const uint8_t mac[6])
{
    uint8_t bytes[16] = {
        0xfe,   0x80,   0,    0,    0,      0,      0,     0, (uint8_t)(mac[0] ^ 2),
        mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};

    return (struct net_address){.address = ip_address_v6(bytes), .prefix = 64};
}

struct net *net_new(const struct net_options *options, struct frame_pool *pool,
                    struct frame_queue *out)
{
    struct net *net = calloc(1, sizeof(*net));
    bool v6 = false;

    if (!net || !(net->fragments = calloc(1, sizeof(*net->fragments))) ||
        !(net->neighbours = neighbours_new(NET_NEIGHBOURS, options->seed))) {
        free(net ? net->fragments : NULL);
        free(net);
        return NULL;
    }
    net->options = *options;
    net->pool = pool;
    net->out = out;
    net->tentative_until = UINT64_MAX;
    net->turn = 1;
    net->echoes.allowance = NET_ECHOES;
    net->errors.allowance = NET_ERRORS;
    for (uint32_t i = 0; i < options->address_count; i++) {
        bool v4 = ip_address_is_v4(&options->addresses[i].address);

        v6 |= !v4;
        add_own(net, &options->addresses[i], v4 || !options->dad_ms ? NET_OURS : NET_TENTATIVE);
    }
    if (v6) {
        struct net_address local = link_local(options->mac);

        if (!net_own(net, &local.address))
            add_own(net, &local, options->dad_ms ? NET_TENTATIVE : NET_OURS);
    }
    return net;
}

static void drop_frames(struct net *net, struct neighbour_frames *frames)
{
    net->counters.row[NET_neighbour_dropped] += frames->count;
    frame_pool_give(net->pool, frames->frames, frames->count);
}

void net_free(struct net *net)
{
    struct neighbour_frames frames;

    if (!net)
        return;
    do {
        neighbour_flush(net->neighbours, &frames);
        drop_frames(net, &frames);
    } while (frames.count);
    neighbours_free(net->neighbours);
    frame_pool_give(net->pool, net->made, net->made_count);
    free(net->fragments);
    free(net);
}

static void announce(struct net *net, const struct net_own *own)
{
    if (ip_address_is_v4(&own->a.address))
        arp_announce(net, &own->a.address);
    else
        ndp_announce(net, &own->a.address);
}

void net_start(struct net *net, uint64_t now)
{
    for (uint32_t i = 0; i < net->own_count; i++) {
        if (net->own[i].state == NET_TENTATIVE)
            net->tentative_until = now + net->options.dad_ms * UINT64_C(1000);
        if (net->options.worker != 0)
            continue;
        if (net->own[i].state == NET_TENTATIVE)
            ndp_detect(net, &net->own[i].a.address);
        else
            announce(net, &net->own[i]);
    }
}

bool net_ready(const struct net *net)
{
    for (uint32_t i = 0; i < net->own_count; i++)
        if (net->own[i].state == NET_TENTATIVE)
            return false;
    return true;
}

static void end_detection(struct net *net)
{
    net->tentative_until = UINT64_MAX;
    for (uint32_t i = 0; i < net->own_count; i++) {
        if (net->own[i].state != NET_TENTATIVE)
            continue;
        net->own[i].state = NET_OURS;
        if (net->options.worker == 0)
            announce(net, &net->own[i]);
    }
}

void net_timers(struct net *net, uint64_t now)
{
    struct neighbour_frames dropped;
    struct neighbour_ask ask;
    enum neighbour_due due;
    struct fragment_packet *late;

    net_route_forget(net);
    while ((late = fragment_expired(net->fragments, now))) {
        net_count(net, NET_fragment_timeout);
        icmp_error_reassembly(net, late, now);
    }
    if (now >= net->tentative_until)
        end_detection(net);
    while ((due = neighbour_turn(net->neighbours, now, &ask, &dropped)) != NEIGHBOUR_NOTHING) {
        drop_frames(net, &dropped);
        if (due == NEIGHBOUR_CROWDED)
            continue;
        if (due == NEIGHBOUR_SILENT)
            net_count(net, NET_neighbour_failed);
        else if (ip_address_is_v4(&ask.address))
            arp_request(net, &ask.address, ask.unicast ? ask.mac : NULL);
        else
            ndp_solicit(net, &ask.address, ask.unicast ? ask.mac : NULL);
    }
}

uint64_t net_next_timer(const struct net *net)
{
    uint64_t next = neighbour_next_timer(net->neighbours);
    uint64_t fragments = fragment_next_timer(net->fragments);

    if (net->made_count)
        return 0;
    next = fragments < next ? fragments : next;
    return next < net->tentative_until ? next : net->tentative_until;
}

uint32_t net_made(struct net *net, struct rte_mbuf **frames_out, uint32_t max)
{
    uint32_t n = net->made_count < max ? net->made_count : max;

    memcpy(frames_out, net->made, n * sizeof(net->made[0]));
    net->made_count -= n;
    memmove(net->made, net->made + n, net->made_count * sizeof(net->made[0]));
    return n;
}

uint32_t net_groups(const struct net *net, uint8_t (*groups_out)[6], uint32_t max)
{
    static const uint8_t all_nodes[6] = {0x33, 0x33, 0, 0, 0, 1};
    uint32_t n = 0;

    for (uint32_t i = 0; i < net->own_count; i++) {
        struct ip_address group;

        if (ip_address_is_v4(&net->own[i].a.address))
            continue;
        if (n == 0 && n < max)
            memcpy(groups_out[n++], all_nodes, 6);
        ndp_solicited_group(&net->own[i].a.address, &group);
        if (n < max)
            net_group_mac(&group, groups_out[n++]);
    }
    return net->options.claims && !ip_address_is_v4(&net->options.claim.address) ? max : n;
}

uint16_t net_mss(const struct net_options *o, bool v4)
{
    uint16_t headers = v4 ? 40 : 60, mtu = o->port.mtu;
    uint16_t room = RTE_MBUF_DEFAULT_DATAROOM - NET_LINK_HEADER;

    /* A longer frame would be a chain, which not every port sends. */
    if (!o->port.tx_chains && mtu > room)
        mtu = room;
    return mtu > headers ? (uint16_t)(mtu - headers) : 0;
}

const struct net_counters *net_counters(const struct net *net)
{
    return &net->counters;
}
