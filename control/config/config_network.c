/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_settings.h"

const struct ip_address *config_gateway(const struct config_ports *ports,
                                        const struct config_network *own)
{
    for (uint32_t i = 0; i < ports->gateways_count; i++)
        if (config_network_contains(own, &ports->gateways[i]))
            return &ports->gateways[i];
    return NULL;
}

/* A key set may lie in a file; introspection never does. */
static bool issuer_is_asked(const struct config_issuer *issuer)
{
    return issuer->keys[0] != '/' || issuer->introspection[0];
}

bool config_needs_network(const struct config *config)
{
    for (uint32_t i = 0; i < config->oauth.issuers_count; i++)
        if (issuer_is_asked(&config->oauth.issuers[i]))
            return true;
    return config->ldap_count > 0 || config->spf.check;
}
