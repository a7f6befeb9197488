/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port/port_rss.h"

#include "dataplane/tcp/flow_owner.h"

enum { TABLE_MAX = 512 };

void port_rss_request(const struct rte_eth_dev_info *info, uint16_t queues, struct rte_eth_conf *conf)
{
    uint64_t types = info->flow_type_rss_offloads & (RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP);

    if (queues < 2 || !types || info->hash_key_size == 0 || info->hash_key_size > FLOW_OWNER_KEY)
        return;
    conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf->rx_adv_conf.rss_conf.rss_hf = types;
    conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
    conf->rx_adv_conf.rss_conf.rss_key = (uint8_t *)(uintptr_t)flow_owner_key;
}

static bool key_is_ours(uint16_t port, const struct rte_eth_rss_conf *asked)
{
    uint8_t key[FLOW_OWNER_KEY] = {0};
    struct rte_eth_rss_conf got = {.rss_key = key, .rss_key_len = asked->rss_key_len};

    return rte_eth_dev_rss_hash_conf_get(port, &got) == 0 && got.rss_hf == asked->rss_hf &&
           memcmp(key, flow_owner_key, asked->rss_key_len) == 0;
}

/* Entry i of the port's table goes where entry i of ours, taken modulo its size, goes. */
static bool table_is_ours(uint16_t port, uint16_t size, uint16_t queues)
{
    struct rte_eth_rss_reta_entry64 table[TABLE_MAX / RTE_ETH_RETA_GROUP_SIZE] = {0};

    if (size == 0 || size > TABLE_MAX || size % FLOW_OWNER_TABLE)
        return false;
    for (uint16_t i = 0; i < size; i++) {
        struct rte_eth_rss_reta_entry64 *group = &table[i / RTE_ETH_RETA_GROUP_SIZE];

        group->mask |= UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE;
        group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = (uint16_t)flow_owner_of(i % FLOW_OWNER_TABLE, queues);
    }
    if (rte_eth_dev_rss_reta_update(port, table, size) || rte_eth_dev_rss_reta_query(port, table, size))
        return false;
    for (uint16_t i = 0; i < size; i++)
        if (table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] !=
            flow_owner_of(i % FLOW_OWNER_TABLE, queues))
            return false;
    return true;
}

bool port_rss_verify(uint16_t port, const struct rte_eth_conf *conf, uint16_t queues, uint32_t workers)
{
    struct rte_eth_dev_info info;

    return conf->rxmode.mq_mode == RTE_ETH_MQ_RX_RSS && queues == workers &&
           rte_eth_dev_info_get(port, &info) == 0 && key_is_ours(port, &conf->rx_adv_conf.rss_conf) &&
           table_is_ours(port, info.reta_size, queues);
}
