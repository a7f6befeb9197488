/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_DPDK_COMPAT_H
#define DATAPLANE_PORT_DPDK_COMPAT_H

#include <rte_telemetry.h>
#include <rte_version.h>

/* What differs between DPDK 22.11 and 25.11 in what we use. Nothing outside this folder asks for the version. */

/* 23.03 renamed rte_tel_data_add_dict_u64(); 24.11 dropped the old name. */
static inline int compat_tel_add_uint(struct rte_tel_data *data, const char *name, uint64_t value)
{
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
    return rte_tel_data_add_dict_uint(data, name, value);
#else
    return rte_tel_data_add_dict_u64(data, name, value);
#endif
}

#endif
