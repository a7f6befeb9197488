/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_option.h"

static bool is_loopback(const struct ip_address *a)
{
    static const uint8_t v6[16] = {[15] = 1};

    return ip_address_is_v4(a) ? a->bytes[12] == 127 : memcmp(a->bytes, v6, sizeof(v6)) == 0;
}

static const char *fault_of(const struct config_api_listener *l)
{
    if (!l->certificate[0] != !l->key[0])
        return "expected both a certificate and a key, or neither";
    if (!l->certificate[0] && !is_loopback(&l->address) && !l->allow_cleartext)
        return "expected a certificate and a key, since the address is not loopback; or "
               "allow_cleartext";
    return NULL;
}

void config_check_api(const struct config *config, const char *path, struct config_errors *errors)
{
    for (uint32_t i = 0; i < config->api.listeners_count; i++) {
        const struct config_api_listener *l = &config->api.listeners[i];
        const char *fault = fault_of(l);

        if (fault)
            config_error(errors, path, l->line, "api.listeners[]: %s", fault);
        for (uint32_t k = 0; k < i; k++)
            if (l->port == config->api.listeners[k].port &&
                ip_address_equal(&l->address, &config->api.listeners[k].address))
                config_error(errors, path, l->line,
                             "api.listeners[]: expected each address and port once; the same stand "
                             "in line %u already",
                             config->api.listeners[k].line);
    }
}
