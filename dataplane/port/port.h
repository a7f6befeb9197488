/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_PORT_H
#define DATAPLANE_PORT_PORT_H

#include "dataplane/port/frame_pool.h"
#include "proto/base/writer.h"

/*
 * One port: a NIC, or a driver over a kernel interface. Only this folder calls ethdev. One
 * port_open() a port; bursts from the thread that owns the queue.
 */

enum { PORT_QUEUES = 64, PORT_MULTICAST = 32, PORT_RSS_KEY = 64 };

struct port_options {
    const char *device;      /* ethdev name: "net_af_packet0", "0000:03:00.0" */
    uint32_t workers;        /* as many queues as there are workers, or as the driver gives */
    uint32_t lcores;         /* all of them, for the pool's caches */
    uint16_t rx_descriptors; /* a queue; the driver may round */
    uint16_t tx_descriptors;
    uint16_t burst;
    uint16_t mtu;    /* 0: the port's own */
    uint32_t frames; /* in the pool; 0: as many as the rule asks for */
    uint32_t held;   /* frames that all workers together may hold beyond a turn (neighbour queues,
                        rings) */
    bool offloads;   /* sums are left to the port where it offers to; false: all in software */
    bool tso;        /* and cutting; only with sums */
    bool large_receive; /* and joining received segments */
};

/* What the port does for us, as configured and not only as offered. */
struct port_capabilities {
    uint16_t rx_queues, tx_queues;
    uint16_t mtu;
    bool rx_ipv4_checksum; /* the status of received frames is worth reading */
    bool rx_tcp_checksum;
    bool tx_ipv4_checksum;
    bool tx_tcp_checksum;
    bool tso;       /* frames of up to tso_limit payload bytes are cut by the port */
    bool tso_v6;    /* IPv6 too; never without `tso` */
    bool tx_chains; /* frames of several segments may be sent */
    bool rx_scatter;
    bool rx_large;      /* the port joins segments of a flow: frames come larger than the MTU */
    bool rx_vlan_strip; /* the tag may come beside the frame */
    bool rss;           /* our key and table were read back: a queue's choice is the flow's owner */
    uint32_t tso_limit; /* payload bytes a super-segment */
    uint32_t tso_frame; /* bytes of a frame that the port cuts from one, Ethernet header included */
};

struct port_stats {
#define PORT_COUNTER(name, text) uint64_t name;
#include "dataplane/port/port_counter.def"
#undef PORT_COUNTER
};

struct port;

/*
 * Frames the pool must have at least: descriptors of all queues, one and a half caches a lcore, a
 * burst a worker in each direction, what is held.
 */
uint32_t port_frames_needed(const struct port_options *options, uint16_t rx_queues,
                            uint16_t tx_queues);
/*
 * Device argument for a kernel interface: `pmd` is "af_packet", "af_xdp" or "tap". False: no such
 * driver, or no room.
 */
bool port_vdev(struct writer *w, const char *pmd, const char *interface);
/* The ethdev's name in a device argument: all before the first comma. */
bool port_device_name(struct writer *w, const char *device);

/* Configures and starts. NULL, with the reason in `why`. */
struct port *port_open(const struct port_options *options, struct writer *why);
/* Stops and closes; the pool dies with it, so all frames must be back. */
void port_close(struct port *port);
const struct port_capabilities *port_capabilities(const struct port *port);
struct rte_mempool *port_mempool(const struct port *port);
/* 6 bytes, valid as long as the port. */
const uint8_t *port_mac(const struct port *port);
bool port_link_up(const struct port *port);
void port_stats(const struct port *port, struct port_stats *stats_out);
/*
 * The multicast groups to receive, 6 bytes each, replacing those before. Where the port has no list
 * it takes all multicast, or everything. False: none of them worked; groups may be missed.
 */
bool port_multicast(struct port *port, const uint8_t (*groups)[6], uint32_t n);

/* Up to `max` frames, marked FRAME_WAY_PORT and fenced; the caller owns them. */
uint32_t port_receive(struct port *port, uint16_t queue, struct rte_mbuf **frames_out,
                      uint32_t max);
/* Frames that are to be transmitted on this queue next, once each: drivers that cut need that. */
void port_prepare(struct port *port, uint16_t queue, struct rte_mbuf **frames, uint32_t n);
/* Takes the first so many frames as it returns; the others stay the caller's. */
uint32_t port_transmit(struct port *port, uint16_t queue, struct rte_mbuf **frames, uint32_t n);

#endif
