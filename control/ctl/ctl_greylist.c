/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_mail.h"

#include "control/record/record_json.h"
#include "control/service/defence_store.h"
#include "control/service/greylist_service.h"
#include "control/store/store_greylist.h"
#include "dataplane/handoff/greylist.h"
#include "dataplane/handoff/limits.h"

enum { LIST_MAX = 10000 };

/* NETWORK = address "/" prefix-length ; of the address's own family */
static bool read_network(struct span text, uint8_t key_out[GREYLIST_NETWORK])
{
    ptrdiff_t slash = span_find(text, '/');
    struct ip_address address;
    unsigned bits = 0;

    if (slash < 0 || (size_t)slash + 1 == text.len || text.len - (size_t)slash > 4 ||
        !ip_address_parse(span_head(text, (size_t)slash), &address))
        return false;
    for (size_t i = (size_t)slash + 1; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        bits = bits * 10 + (text.data[i] - '0');
    }
    bits += ip_address_is_v4(&address) ? 96 : 0;
    if (bits > 128)
        return false;
    address = limits_masked(&address, (uint8_t)bits);
    key_out[0] = 'n';
    memcpy(key_out + 1, address.bytes, sizeof(address.bytes));
    key_out[17] = (uint8_t)bits;
    return true;
}

static void put_network(struct writer *w, struct span key)
{
    struct ip_address address;

    memcpy(address.bytes, key.data + 1, sizeof(address.bytes));
    defence_store_put_network(w, &address, key.data[17]);
}

static json_t *network_json(struct span key)
{
    char text[DEFENCE_STORE_NETWORK];
    struct writer w = writer_of(text, sizeof(text));

    put_network(&w, key);
    return json_stringn(text, w.len);
}

struct listing {
    json_t *array;
    struct span network; /* empty: all */
};

static bool note_row(void *context, const struct store_greylist_row *row)
{
    struct listing *l = context;
    bool triple = row->key.len > GREYLIST_NETWORK && row->key.data[0] == 't';
    struct span rest = span_skip(row->key, GREYLIST_NETWORK);
    ptrdiff_t nul = span_find(rest, 0);
    json_t *o;

    if (row->key.len < GREYLIST_NETWORK ||
        (l->network.len && memcmp(row->key.data + 1, l->network.data + 1, 17) != 0))
        return true;
    o = json_pack("{s:o, s:I, s:I, s:I}", "network", network_json(row->key), "first_ms",
                  (json_int_t)row->first_ms, "last_ms", (json_int_t)row->last_ms, "passes",
                  (json_int_t)row->passes);
    if (triple && nul >= 0) {
        json_object_set_new(o, "mail_from", record_json_text(span_head(rest, (size_t)nul)));
        json_object_set_new(o, "rcpt_to", record_json_text(span_skip(rest, (size_t)nul + 1)));
    }
    json_array_append_new(l->array, o);
    return json_array_size(l->array) < LIST_MAX;
}

static bool take_network(struct span text, uint8_t key[GREYLIST_NETWORK], struct span *network_out,
                         struct writer *why)
{
    *network_out = span_of(NULL, 0);
    if (span_equal(text, span_text("all")))
        return true;
    *network_out = span_of(key, GREYLIST_NETWORK);
    if (read_network(text, key))
        return true;
    writer_text(why,
                "expected a network as `greylist list` shows it, such as 192.0.2.0/24, or all");
    return false;
}

json_t *ctl_greylist_list(struct ctl_mail *mail, const struct ctl_request *request,
                          struct writer *why)
{
    uint8_t key[GREYLIST_NETWORK];
    struct listing l;
    enum store_status status;

    if (!take_network(request->count ? request->arguments[0] : span_text("all"), key, &l.network,
                      why))
        return NULL;
    l.array = json_array();
    status = store_greylist_walk(mail->store, span_of(NULL, 0), note_row, &l);
    if (status == STORE_OK)
        return l.array;
    json_decref(l.array);
    writer_text(why, store_status_name(status));
    return NULL;
}

static enum store_status log_removal(struct ctl_mail *mail, struct span network, uint64_t count,
                                     const struct store_reason *reason)
{
    char text[DEFENCE_STORE_NETWORK];
    struct writer w = writer_of(text, sizeof(text));
    struct store_audit row = {.action = STORE_AUDIT_FORGET, .count = count, .for_ = *reason};

    if (network.len)
        put_network(&w, network);
    row.address = writer_span(&w);
    return store_directory_put(mail->store, NULL, 0, &row, 1);
}

json_t *ctl_greylist_remove(struct ctl_mail *mail, const struct ctl_request *request,
                            struct writer *why)
{
    uint8_t key[GREYLIST_NETWORK];
    struct ctl_mail_words words;
    struct span network;
    uint64_t count = 0;
    enum store_status status;

    if (!ctl_mail_words_or_none(request, &words, why) ||
        !take_network(words.count == 1 ? words.at[0] : span_text(""), key, &network, why))
        return NULL;
    status = greylist_service_forget(policy_greylist(mail->policy), network, &count);
    if (status == STORE_OK)
        status = log_removal(mail, network, count, &words.reason);
    keeper_service_wake(mail->keeper);
    if (status == STORE_OK)
        return json_pack("{s:I}", "removed", (json_int_t)count);
    writer_text(why, store_status_name(status));
    return NULL;
}
