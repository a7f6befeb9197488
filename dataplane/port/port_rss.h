/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_PORT_RSS_H
#define DATAPLANE_PORT_PORT_RSS_H

#include <rte_ethdev.h>

/*
 * Receive-side scaling by the function that names a flow's owner, so that a queue's choice need not be computed
 * again. Trusted only where key and table were read back and are ours.
 */

/* Asks for it where the driver has it and there is more than one queue. */
void port_rss_request(const struct rte_eth_dev_info *info, uint16_t queues, struct rte_eth_conf *conf);
/* After the start: sets the table, reads key and table back. True: queue q gets exactly the flows of worker q. */
bool port_rss_verify(uint16_t port, const struct rte_eth_conf *conf, uint16_t queues, uint32_t workers);

#endif
