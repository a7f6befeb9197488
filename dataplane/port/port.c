/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port/port.h"

#include <stdlib.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "dataplane/handoff/hidden.h"
#include "dataplane/port/port_rss.h"
#include "dataplane/port/port_xdp.h"

enum {
    FRAME_CACHE = 256, /* frames an lcore keeps at hand */
    FRAME_ROOM = RTE_MBUF_DEFAULT_BUF_SIZE,
    LINK_HEADER = 18,        /* with one tag */
    TSO_LIMIT = 65535 - 128, /* an IP packet's length field, less headers */
};

struct port {
    uint16_t id;
    uint16_t rx_descriptors, tx_descriptors;
    bool started;
    bool promiscuous; /* switched on by us; the interface would keep it */
    struct port_capabilities capabilities;
    struct rte_mempool *mempool;
    struct rte_ether_addr mac;
};

uint32_t port_frames_needed(const struct port_options *o, uint16_t rx_queues, uint16_t tx_queues)
{
    uint32_t descriptors =
        (uint32_t)rx_queues * o->rx_descriptors + (uint32_t)tx_queues * o->tx_descriptors;

    return descriptors + o->lcores * FRAME_CACHE * 3 / 2 + o->workers * o->burst * 2 + o->held +
           o->workers * FRAME_POOL_KEPT;
}

static uint16_t least(uint32_t a, uint16_t b)
{
    return a < b ? (uint16_t)a : b;
}

/* The offloads we use, as far as the driver has them. */
static void choose_offloads(const struct rte_eth_dev_info *info, const struct port_options *o,
                            struct rte_eth_conf *conf)
{
    bool use = o->offloads;
    uint64_t rx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM |
                  (o->large_receive ? RTE_ETH_RX_OFFLOAD_TCP_LRO : 0);
    uint64_t tx = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
                  (o->tso ? RTE_ETH_TX_OFFLOAD_TCP_TSO : 0);
    /* These are not a matter of who computes: a tag or a second segment has to be understood either
     * way. */
    uint64_t rx_always = RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_SCATTER;

    conf->rxmode.offloads = info->rx_offload_capa & (rx_always | (use ? rx : 0));
    conf->txmode.offloads =
        info->tx_offload_capa & (RTE_ETH_TX_OFFLOAD_MULTI_SEGS | (use ? tx : 0));
    /* A super-segment is a chain, and its cuts need their sums made by whoever cuts. */
    if (!(conf->txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) ||
        !(conf->txmode.offloads & RTE_ETH_TX_OFFLOAD_TCP_CKSUM))
        conf->txmode.offloads &= ~RTE_ETH_TX_OFFLOAD_TCP_TSO;
    /* Nobody else could tell whether what was joined had right sums. */
    if (!(conf->rxmode.offloads & RTE_ETH_RX_OFFLOAD_TCP_CKSUM))
        conf->rxmode.offloads &= ~RTE_ETH_RX_OFFLOAD_TCP_LRO;
    if (conf->rxmode.offloads & RTE_ETH_RX_OFFLOAD_TCP_LRO)
        conf->rxmode.max_lro_pkt_size =
            least(info->max_lro_pkt_size ? info->max_lro_pkt_size : UINT16_MAX, UINT16_MAX);
}

/* Payload bytes of a super-segment: what the driver takes of buffers, one of them for the headers.
 */
static uint32_t tso_limit(const struct rte_eth_dev_info *info)
{
    uint32_t buffers = info->tx_desc_lim.nb_seg_max ? info->tx_desc_lim.nb_seg_max : UINT16_MAX;
    uint32_t bytes = (buffers - 1) * (FRAME_ROOM - RTE_PKTMBUF_HEADROOM);

    return bytes < TSO_LIMIT ? bytes : TSO_LIMIT;
}

static void note_offloads(struct port_capabilities *c, const struct rte_eth_conf *conf)
{
    uint64_t rx = conf->rxmode.offloads, tx = conf->txmode.offloads;

    c->rx_ipv4_checksum = rx & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
    c->rx_tcp_checksum = rx & RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
    c->rx_scatter = rx & RTE_ETH_RX_OFFLOAD_SCATTER;
    c->rx_vlan_strip = rx & RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
    c->tx_ipv4_checksum = tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
    c->tx_tcp_checksum = tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
    c->tx_chains = tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    c->tso = tx & RTE_ETH_TX_OFFLOAD_TCP_TSO;
    c->rx_large = rx & RTE_ETH_RX_OFFLOAD_TCP_LRO;
}

/* Mail passes through frames. */
static void hide(struct rte_mempool *pool, void *context, struct rte_mempool_memhdr *memory,
                 unsigned int index)
{
    (void)pool, (void)context, (void)index;
    hidden_mark(memory->addr, memory->len);
}

/*
 * What rte_pktmbuf_pool_create() does, in one unbroken run: af_xdp registers as many bytes as the
 * frames have, so none may lie behind gaps, which a pool leaves so that no frame crosses a page.
 * Where I/O addresses are virtual ones no frame needs that.
 */
static struct rte_mempool *new_pool(uint32_t frames, int socket)
{
    struct rte_pktmbuf_pool_private about = {.mbuf_data_room_size = FRAME_ROOM,
                                             .mbuf_priv_size = sizeof(struct frame_note)};
    unsigned int flags = rte_eal_iova_mode() == RTE_IOVA_VA ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0;
    struct rte_mempool *pool = rte_mempool_create_empty(
        "frames", frames, sizeof(struct rte_mbuf) + sizeof(struct frame_note) + FRAME_ROOM,
        FRAME_CACHE, sizeof(about), socket, flags);

    if (!pool)
        return NULL;
    /* Rings that survive a preempted lcore: workers may share CPUs with each other and with
     * control. */
    if (rte_mempool_set_ops_byname(pool, "ring_mt_rts", NULL) == 0) {
        rte_pktmbuf_pool_init(pool, &about);
        if (rte_mempool_populate_default(pool) >= 0) {
            rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
            rte_mempool_mem_iter(pool, hide, NULL);
            return pool;
        }
    }
    rte_mempool_free(pool);
    return NULL;
}

static bool make_pool(struct port *p, const struct port_options *o, struct writer *why)
{
    uint32_t needed = port_frames_needed(o, p->capabilities.rx_queues, p->capabilities.tx_queues);
    uint32_t frames = o->frames ? o->frames : needed;

    if (frames < needed) {
        writer_printf(why,
                      "%s: a pool of %u frames is too small: %u queues of %u in and %u of %u out, "
                      "%u lcores with "
                      "caches of %u, %u workers with bursts of %u and %u held need %u",
                      o->device, frames, p->capabilities.rx_queues, o->rx_descriptors,
                      p->capabilities.tx_queues, o->tx_descriptors, o->lcores, FRAME_CACHE,
                      o->workers, o->burst, o->held, needed);
        return false;
    }
    p->mempool = new_pool(frames, rte_eth_dev_socket_id(p->id));
    if (!p->mempool)
        writer_printf(why, "%s: no memory for a pool of %u frames: %s", o->device, frames,
                      rte_strerror(rte_errno));
    return p->mempool != NULL;
}

static bool set_queues(struct port *p, const struct port_options *o,
                       const struct rte_eth_conf *conf, struct writer *why)
{
    struct rte_eth_dev_info info;
    int socket = rte_eth_dev_socket_id(p->id), rc = rte_eth_dev_info_get(p->id, &info);

    for (uint16_t q = 0; rc == 0 && q < p->capabilities.rx_queues; q++) {
        struct rte_eth_rxconf rx = info.default_rxconf;

        rx.offloads = conf->rxmode.offloads;
        rc = rte_eth_rx_queue_setup(p->id, q, p->rx_descriptors, (unsigned int)socket, &rx,
                                    p->mempool);
    }
    for (uint16_t q = 0; rc == 0 && q < p->capabilities.tx_queues; q++) {
        struct rte_eth_txconf tx = info.default_txconf;

        tx.offloads = conf->txmode.offloads;
        rc = rte_eth_tx_queue_setup(p->id, q, p->tx_descriptors, (unsigned int)socket, &tx);
    }
    if (rc)
        writer_printf(why, "%s: setting up queues failed: %s", o->device, rte_strerror(-rc));
    return rc == 0;
}

static bool driven_by(const struct port *p, const char *driver)
{
    struct rte_eth_dev_info info;

    return rte_eth_dev_info_get(p->id, &info) == 0 && strcmp(info.driver_name, driver) == 0;
}

/* A memif's peer decides how many queues are joined, and the driver does not tell: the first is. */
static uint16_t queues_of(const struct port *p, uint32_t workers, uint16_t offered)
{
    return least(driven_by(p, "net_memif") ? 1 : workers, least(offered, PORT_QUEUES));
}

static bool configure(struct port *p, const struct port_options *o, struct rte_eth_conf *conf,
                      struct writer *why)
{
    struct rte_eth_dev_info info;
    int rc = rte_eth_dev_info_get(p->id, &info);

    if (rc) {
        writer_printf(why, "%s: the driver does not describe itself: %s", o->device,
                      rte_strerror(-rc));
        return false;
    }
    p->capabilities.rx_queues = queues_of(p, o->workers, info.max_rx_queues);
    p->capabilities.tx_queues = queues_of(p, o->workers, info.max_tx_queues);
    choose_offloads(&info, o, conf);
    port_rss_request(&info, p->capabilities.rx_queues, conf);
    p->rx_descriptors = o->rx_descriptors;
    p->tx_descriptors = o->tx_descriptors;
    rc = rte_eth_dev_configure(p->id, p->capabilities.rx_queues, p->capabilities.tx_queues, conf);
    if (rc == 0)
        rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &p->rx_descriptors, &p->tx_descriptors);
    if (rc) {
        writer_printf(why, "%s: configuring %u and %u queues failed: %s", o->device,
                      p->capabilities.rx_queues, p->capabilities.tx_queues, rte_strerror(-rc));
        return false;
    }
    note_offloads(&p->capabilities, conf);
    p->capabilities.tso_limit = p->capabilities.tso ? tso_limit(&info) : 0;
    /* A TAP's driver has DPDK's library cut, which knows IPv4 only. */
    p->capabilities.tso_v6 = p->capabilities.tso && !driven_by(p, "net_tap");
    return make_pool(p, o, why) && set_queues(p, o, conf, why);
}

/* A TAP's driver gives the kernel's end the port's own address. Ours must be another one. */
static int read_mac(struct port *p)
{
    int rc = rte_eth_macaddr_get(p->id, &p->mac);

    if (rc == 0 && driven_by(p, "net_tap")) {
        p->mac.addr_bytes[0] |= RTE_ETHER_LOCAL_ADMIN_ADDR;
        p->mac.addr_bytes[RTE_ETHER_ADDR_LEN - 1] ^= 1;
    }
    return rc;
}

static bool start(struct port *p, const struct port_options *o, struct writer *why)
{
    int rc = 0;

    if (o->mtu && (rc = rte_eth_dev_set_mtu(p->id, o->mtu)) != 0) {
        writer_printf(why, "%s: the port refuses an MTU of %u: %s", o->device, o->mtu,
                      rte_strerror(-rc));
        return false;
    }
    rc = rte_eth_dev_start(p->id);
    p->started = rc == 0;
    if (rc == 0)
        rc = read_mac(p);
    if (rc == 0)
        rc = rte_eth_dev_get_mtu(p->id, &p->capabilities.mtu);
    if (rc)
        writer_printf(why, "%s: the port does not start: %s", o->device, rte_strerror(-rc));
    /* A TAP's driver refuses segments whose whole frame exceeds the MTU, though the MTU is without
     * the Ethernet header. */
    p->capabilities.tso_frame = p->capabilities.mtu + (driven_by(p, "net_tap") ? 0 : LINK_HEADER);
    return rc == 0;
}

struct port *port_open(const struct port_options *o, struct writer *why)
{
    struct port *p = calloc(1, sizeof(*p));
    struct rte_eth_conf conf = {0};

    if (!p || rte_eth_dev_get_port_by_name(o->device, &p->id) != 0) {
        writer_printf(why, "%s: %s", o->device, p ? "no such port" : "no memory");
        free(p);
        return NULL;
    }
    if (!configure(p, o, &conf, why) || !start(p, o, why)) {
        port_close(p);
        return NULL;
    }
    p->capabilities.rss = port_rss_verify(p->id, &conf, p->capabilities.rx_queues, o->workers);
    return p;
}

void port_close(struct port *p)
{
    struct rte_eth_dev_info info;
    bool xdp =
        rte_eth_dev_info_get(p->id, &info) == 0 && strcmp(info.driver_name, "net_af_xdp") == 0;
    uint32_t interface = xdp ? info.if_index : 0;

    if (p->promiscuous)
        rte_eth_promiscuous_disable(p->id);
    if (p->started)
        rte_eth_dev_stop(p->id);
    rte_eth_dev_close(p->id);
    if (interface)
        port_xdp_detach(interface);
    rte_mempool_free(p->mempool);
    free(p);
}

const struct port_capabilities *port_capabilities(const struct port *p)
{
    return &p->capabilities;
}

struct rte_mempool *port_mempool(const struct port *p)
{
    return p->mempool;
}

const uint8_t *port_mac(const struct port *p)
{
    return p->mac.addr_bytes;
}

bool port_link_up(const struct port *p)
{
    struct rte_eth_link link;

    return rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

void port_stats(const struct port *p, struct port_stats *out)
{
    struct rte_eth_stats s;

    *out = (struct port_stats){0};
    if (rte_eth_stats_get(p->id, &s))
        return;
    *out = (struct port_stats){.in_frames = s.ipackets,
                               .in_bytes = s.ibytes,
                               .out_frames = s.opackets,
                               .out_bytes = s.obytes,
                               .missed = s.imissed,
                               .no_frame = s.rx_nombuf,
                               .in_errors = s.ierrors,
                               .out_errors = s.oerrors};
}

bool port_multicast(struct port *p, const uint8_t (*groups)[6], uint32_t n)
{
    struct rte_ether_addr list[PORT_MULTICAST];

    if (n <= PORT_MULTICAST) {
        memcpy(list, groups, n * sizeof(*groups));
        if (rte_eth_dev_set_mc_addr_list(p->id, list, n) == 0)
            return true;
    }
    if (rte_eth_allmulticast_enable(p->id) == 0)
        return true;
    p->promiscuous = rte_eth_promiscuous_get(p->id) == 0 && rte_eth_promiscuous_enable(p->id) == 0;
    return rte_eth_promiscuous_get(p->id) == 1;
}

uint32_t port_receive(struct port *p, uint16_t queue, struct rte_mbuf **frames_out, uint32_t max)
{
    uint32_t n = rte_eth_rx_burst(p->id, queue, frames_out, (uint16_t)max);

    frame_pool_received(frames_out, n);
    return n;
}

void port_prepare(struct port *p, uint16_t queue, struct rte_mbuf **frames, uint32_t n)
{
    rte_eth_tx_prepare(p->id, queue, frames, (uint16_t)n);
}

uint32_t port_transmit(struct port *p, uint16_t queue, struct rte_mbuf **frames, uint32_t n)
{
    return rte_eth_tx_burst(p->id, queue, frames, (uint16_t)n);
}
