/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_mail.h"

#include "control/base/clock.h"
#include "control/config/config_option.h"
#include "control/service/ban_list.h"

/* NETWORK = address [ "/" prefix-length ] ; without a length the address alone, of IPv6 its /64 */
static bool read_network(struct span text, struct config_network *network_out)
{
    static const struct config_option option = {.type = CONFIG_NETWORK};

    if (!ip_address_parse(text, &network_out->address))
        return config_value(&option, text, NULL, network_out);
    network_out->prefix = ip_address_is_v4(&network_out->address) ? 32 : 64;
    return true;
}

/* TIME = duration / "forever" */
static bool read_time(struct span text, uint64_t *ms_out)
{
    static const struct config_option option = {
        .type = CONFIG_DURATION, .words = "forever", .min = 1000000, .max = 31536000000000};
    int64_t us;

    if (!config_value(&option, text, NULL, &us))
        return false;
    *ms_out = us ? (uint64_t)us / 1000 : BAN_FOR_EVER;
    return true;
}

static uint8_t bits_of(const struct config_network *network)
{
    return (uint8_t)(network->prefix + (ip_address_is_v4(&network->address) ? 96 : 0));
}

/* Monotonic time as time of day. */
static json_int_t wall(uint64_t ms)
{
    return (json_int_t)(ms + clock_wall_ms() - clock_monotonic_ms());
}

static json_t *network_json(const struct ip_address *network, uint8_t bits)
{
    bool v4 = bits >= 96 && ip_address_is_v4(network);
    char text[IP_ADDRESS_TEXT + 8];
    struct writer w = writer_of(text, sizeof(text));

    ip_address_put(&w, network);
    writer_printf(&w, "/%u", (unsigned)bits - (v4 ? 96u : 0u));
    return json_stringn(text, w.len);
}

static void note_ban(void *context, const struct ban *ban)
{
    json_t *o = json_pack("{s:o, s:s, s:i, s:I}", "network", network_json(&ban->network, ban->bits),
                          "reason", ban->by_hand ? "operator" : "failures", "times",
                          (int)ban->times, "since_ms", wall(ban->since_ms));
    if (ban->until_ms != BAN_FOR_EVER)
        json_object_set_new(o, "until_ms", json_integer(wall(ban->until_ms)));
    json_array_append_new(context, o);
}

static json_t *list(struct ban_list *bans)
{
    json_t *array = json_array();

    ban_list_walk(bans, clock_monotonic_ms(), note_ban, array);
    return array;
}

static json_t *outcome(enum ban_status status, const struct ip_address *network, uint8_t bits,
                       struct writer *why)
{
    static const char *const words[] = {[BAN_NONE] = "there is no such ban",
                                        [BAN_TRUSTED] = "lies in a network that is trusted",
                                        [BAN_FULL] = "there are too many bans"};

    if (status == BAN_DONE)
        return json_pack("{s:o}", "network", network_json(network, bits));
    writer_text(why, words[status]);
    return NULL;
}

json_t *ctl_ban(struct ctl_mail *mail, const struct ctl_request *request, struct writer *why)
{
    struct ban_list *bans = policy_bans(mail->policy);
    uint64_t now = clock_monotonic_ms(), ms = BAN_FOR_EVER;
    struct config_network network = {.prefix = 0};
    struct ip_address base;
    uint8_t bits;

    if (request->command == CTL_BAN_LIST)
        return list(bans);
    if (request->command == CTL_BAN_CLEAR)
        return json_pack("{s:I}", "removed", (json_int_t)ban_list_clear(bans, now));
    if (!read_network(request->arguments[0], &network)) {
        writer_text(why, "expected an address or a network, such as 192.0.2.7 or 192.0.2.0/24");
        return NULL;
    }
    if (request->count > 1 && !read_time(request->arguments[1], &ms)) {
        writer_text(why, "expected a duration from 1s to 365d, such as 12h, or forever");
        return NULL;
    }
    bits = bits_of(&network);
    base = limits_masked(&network.address, bits);
    return outcome(request->command == CTL_BAN_ADD ? ban_list_add(bans, &base, bits, ms, now)
                                                   : ban_list_remove(bans, &base, bits),
                   &base, bits, why);
}
