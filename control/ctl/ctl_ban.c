/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_mail.h"

#include "control/base/clock.h"
#include "control/config/config_option.h"
#include "control/service/ban_list.h"
#include "control/service/defence_store.h"

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
    char text[DEFENCE_STORE_NETWORK];
    struct writer w = writer_of(text, sizeof(text));

    defence_store_put_network(&w, network, bits);
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

/* The change is in force; whether it and its row of the log will outlive the engine is the store's
 * word. Takes `result`. */
static json_t *kept(struct ctl_mail *mail, enum store_status status, json_t *result,
                    struct writer *why)
{
    keeper_service_wake(mail->keeper);
    if (status == STORE_OK)
        return result;
    json_decref(result);
    writer_printf(why, "it is so as long as the engine runs, but the store cannot keep it: %s",
                  store_status_name(status));
    return NULL;
}

static json_t *clear(struct ctl_mail *mail, const struct ctl_request *request, struct writer *why)
{
    struct ctl_mail_words words;
    enum store_status status;
    uint32_t removed;

    if (!ctl_mail_words_or_none(request, &words, why))
        return NULL;
    if (words.count) {
        writer_text(why, "expected ban clear [--by WHO] [--why TEXT]");
        return NULL;
    }
    removed = defence_store_clear(policy_defence(mail->policy), &words.reason, &status);
    return kept(mail, status, json_pack("{s:I}", "removed", (json_int_t)removed), why);
}

static bool read_words(const struct ctl_request *request, struct ctl_mail_words *words,
                       struct limit_network *network_out, uint64_t *ms_out, struct writer *why)
{
    struct config_network network = {.prefix = 0};

    if (!ctl_mail_words_or_none(request, words, why))
        return false;
    if (!words->count || !read_network(words->at[0], &network)) {
        writer_text(why, "expected an address or a network, such as 192.0.2.7 or 192.0.2.0/24");
        return false;
    }
    *ms_out = BAN_FOR_EVER;
    if (words->count > (request->command == CTL_BAN_ADD ? 2u : 1u) ||
        (words->count > 1 && !read_time(words->at[1], ms_out))) {
        writer_text(why, "expected a duration from 1s to 365d, such as 12h, or forever");
        return false;
    }
    network_out->bits = bits_of(&network);
    network_out->address = limits_masked(&network.address, network_out->bits);
    return true;
}

static json_t *change(struct ctl_mail *mail, const struct ctl_request *request, struct writer *why)
{
    static const char *const reasons[] = {[BAN_NONE] = "there is no such ban",
                                          [BAN_TRUSTED] = "lies in a network that is trusted",
                                          [BAN_FULL] = "there are too many bans"};
    struct defence_store *defence = policy_defence(mail->policy);
    struct limit_network network = {.bits = 0};
    struct ctl_mail_words words;
    enum store_status status;
    enum ban_status done;
    uint64_t ms;

    if (!read_words(request, &words, &network, &ms, why))
        return NULL;
    done = request->command == CTL_BAN_ADD
               ? defence_store_ban(defence, &network, ms, &words.reason, &status)
               : defence_store_unban(defence, &network, &words.reason, &status);
    if (done == BAN_DONE)
        return kept(mail, status,
                    json_pack("{s:o}", "network", network_json(&network.address, network.bits)),
                    why);
    writer_text(why, reasons[done]);
    return NULL;
}

json_t *ctl_ban(struct ctl_mail *mail, const struct ctl_request *request, struct writer *why)
{
    if (request->command == CTL_BAN_LIST)
        return list(policy_bans(mail->policy));
    return request->command == CTL_BAN_CLEAR ? clear(mail, request, why)
                                             : change(mail, request, why);
}
