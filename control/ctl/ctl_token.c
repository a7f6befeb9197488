/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_token.h"

#include <stdlib.h>

#include "control/base/clock.h"
#include "control/config/config_option.h"
#include "control/config/config_settings.h"
#include "control/ctl/ctl_directory.h"
#include "control/directory/token_row.h"
#include "control/record/record_json.h"

enum { LIST_MAX = 10000 };

struct making {
    struct token_row row;
    uint8_t domains[TOKEN_DOMAINS][256];
};

static bool read_expiry(struct making *m, struct span value)
{
    static const struct config_option option = {
        .type = CONFIG_DURATION, .words = "", .min = 1000000, .max = 315360000000000};
    int64_t us;

    if (!config_value(&option, value, NULL, &us))
        return false;
    m->row.expires_ms = clock_wall_ms() + (uint64_t)us / 1000;
    return true;
}

static bool read_word(struct making *m, struct span name, struct span value)
{
    struct writer w;

    if (span_equal(name, span_text("role")))
        return token_role_find(value, &m->row.role);
    if (span_equal(name, span_text("expires")))
        return read_expiry(m, value);
    if (!span_equal(name, span_text("domain")) || m->row.domain_count == TOKEN_DOMAINS)
        return false;
    w = writer_of(m->domains[m->row.domain_count], sizeof(m->domains[0]));
    if (!config_domain_key(&w, value))
        return false;
    m->row.domains[m->row.domain_count++] = writer_span(&w);
    return true;
}

static bool read_words(struct making *m, const struct ctl_request *request, struct writer *why)
{
    m->row.role = TOKEN_ROLES;
    for (uint32_t i = 1; i < request->count; i++) {
        struct span name = {0}, value = {0};

        if (ctl_directory_word(request->arguments[i], &name, &value) && read_word(m, name, value))
            continue;
        writer_text(why, "expected role=admin, domain, reader or password; domain=NAME; "
                         "expires=TIME; this is none: ");
        writer_span_put(why, span_head(request->arguments[i], 60));
        return false;
    }
    if (m->row.role == TOKEN_ROLES)
        writer_text(why, "expected role=admin, domain, reader or password");
    else if (m->row.role == TOKEN_DOMAIN && !m->row.domain_count)
        writer_text(why, "expected domain=NAME, since the role is domain");
    else if (m->row.domain_count && m->row.role != TOKEN_DOMAIN && m->row.role != TOKEN_PASSWORD)
        writer_text(why, "domain=NAME is for the roles domain and password");
    return !why->len;
}

static struct span key_of(struct span name, uint8_t bytes[1 + TOKEN_NAME])
{
    struct writer key = writer_of(bytes, 1 + TOKEN_NAME);

    writer_byte(&key, TOKEN_KEY);
    writer_span_put(&key, name);
    return writer_span(&key);
}

static enum store_status put(struct store *store, struct span name, struct span value,
                             enum store_audit_action action)
{
    struct ctl_terms terms = ctl_terms_operator();
    uint8_t bytes[1 + TOKEN_NAME];
    struct store_directory_row row = {.key = key_of(name, bytes), .value = value};
    struct store_audit memory;

    return store_directory_put(store, &row, 1, ctl_terms_audit(&terms, action, name, &memory), 1);
}

static enum store_status find(struct store *store, struct span name)
{
    uint8_t bytes[1 + TOKEN_NAME], memory[TOKEN_ROW];
    struct writer value = writer_of(memory, sizeof(memory));

    return store_directory_find(store, key_of(name, bytes), &value);
}

static json_t *make(struct ctl_mail *mail, struct span name, struct making *m, struct writer *why)
{
    char secret[TOKEN_SECRET + 1];
    uint8_t value[TOKEN_ROW];
    struct writer w = writer_of(value, sizeof(value));
    enum store_status status = find(mail->store, name);
    json_t *result = NULL;

    if (status == STORE_OK) {
        writer_text(why, "there is such a token already");
        return NULL;
    }
    m->row.created_ms = clock_wall_ms();
    if (status != STORE_NONE || !token_make(secret, m->row.hash))
        return ctl_directory_failed(STORE_FAILED, "", why);
    token_row_put(&w, &m->row);
    status = put(mail->store, name, writer_span(&w), STORE_AUDIT_TOKEN_ADD);
    if (status != STORE_OK)
        return ctl_directory_failed(status, "", why);
    result = json_pack("{s:s#, s:s, s:o}", "name", name.data, name.len, "role",
                       token_role_name(m->row.role), "token",
                       json_sprintf("%.*s.%s", (int)name.len, (const char *)name.data, secret));
    explicit_bzero(secret, sizeof(secret));
    return result;
}

/* Looking and putting are one. */
static json_t *add(struct ctl_mail *mail, struct span name, struct making *m, struct writer *why)
{
    static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;
    json_t *result;

    pthread_mutex_lock(&adding);
    result = make(mail, name, m, why);
    pthread_mutex_unlock(&adding);
    return result;
}

static json_t *remove_token(struct ctl_mail *mail, struct span name, struct writer *why)
{
    enum store_status status = find(mail->store, name);

    if (status == STORE_OK)
        status = put(mail->store, name, span_of(NULL, 0), STORE_AUDIT_TOKEN_DELETE);
    if (status != STORE_OK)
        return ctl_directory_failed(status, "no such token", why);
    return json_pack("{s:s#}", "name", name.data, name.len);
}

static bool note(void *context, const struct store_directory_row *row)
{
    json_t *domains, *o;
    struct token_row t;

    if (row->key.data[0] != TOKEN_KEY)
        return false;
    if (!token_row_read(row->value, &t))
        return true;
    domains = json_array();
    for (uint32_t i = 0; i < t.domain_count; i++)
        json_array_append_new(domains, record_json_text(t.domains[i]));
    o = json_pack("{s:o, s:s, s:o, s:o, s:o}", "name", record_json_text(span_skip(row->key, 1)),
                  "role", token_role_name(t.role), "domains", domains, "created",
                  record_json_time(t.created_ms), "expires",
                  t.expires_ms ? record_json_time(t.expires_ms) : json_null());
    json_array_append_new(context, o);
    return json_array_size(context) < LIST_MAX;
}

static json_t *list(struct ctl_mail *mail, struct writer *why)
{
    static const uint8_t start[] = {TOKEN_KEY};
    json_t *array = json_array();
    enum store_status status =
        store_directory_walk(mail->store, span_of(start, sizeof(start)), note, array);

    if (status == STORE_OK)
        return array;
    json_decref(array);
    return ctl_directory_failed(status, "", why);
}

json_t *ctl_token(struct ctl_mail *mail, const struct ctl_request *request, struct writer *why)
{
    struct span name = request->arguments[0];
    struct making *m;
    json_t *result = NULL;

    if (request->command == CTL_TOKEN_LIST)
        return list(mail, why);
    if (!token_name_good(name)) {
        writer_printf(why, "expected a name of 1 to %d letters, digits, \"-\" and \"_\"",
                      TOKEN_NAME);
        return NULL;
    }
    if (request->command == CTL_TOKEN_DELETE)
        return remove_token(mail, name, why);
    m = calloc(1, sizeof(*m));
    if (!m)
        return ctl_directory_failed(STORE_FAILED, "", why);
    if (read_words(m, request, why))
        result = add(mail, name, m, why);
    free(m);
    return result;
}
