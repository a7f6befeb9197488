/* SPDX-License-Identifier: BSD-3-Clause */
#include <crypt.h>
#include <stdlib.h>

#include "control/config/config_settings.h"
#include "control/ctl/ctl_directory.h"
#include "control/directory/directory_admin.h"
#include "control/directory/password.h"
#include "control/service/directory_service.h"
#include "proto/address/address.h"
#include "proto/sasl/scram_keys.h"

enum { LINES_MAX = 1024 }; /* accounts of one `account load` */

/* What is to become of an account; spans borrow from the request. */
struct account_change {
    enum ctl_command command;
    bool quota_given, login_given, disabled, senders_given, clash;
    uint64_t quota;
    struct span mailbox, password, hash, scram;
    struct password_kept kept;
    uint32_t sender_count;
    struct {
        uint8_t bytes[1 + ADDRESS_KEY_MAX];
        size_t len;
    } senders[DIRECTORY_ROW_NAMES];
};

/* size = number [ "KiB" / "MiB" / "GiB" ] ; or "none", "default" */
static bool read_quota(struct span text, uint64_t *quota_out)
{
    static const struct {
        const char *unit;
        unsigned shift;
    } units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"", 0}};
    uint64_t n;

    *quota_out = DIRECTORY_QUOTA_DEFAULT;
    if (span_equal(text, span_text("default")))
        return true;
    *quota_out = 0;
    if (span_equal(text, span_text("none")))
        return true;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t len = strlen(units[i].unit);

        if (text.len <= len ||
            !span_equal(span_skip(text, text.len - len), span_text(units[i].unit)))
            continue;
        if (!ctl_request_number(span_head(text, text.len - len), UINT64_C(1) << 40, &n))
            return false;
        *quota_out = n << units[i].shift;
        return n > 0 && n <= (UINT64_C(1) << 40) >> units[i].shift;
    }
    return false;
}

static bool add_sender(struct account_change *c, struct span text)
{
    struct writer w;

    c->senders_given = true;
    if (text.len == 0)
        return true;
    if (c->sender_count == DIRECTORY_ROW_NAMES)
        return false;
    w = writer_of(c->senders[c->sender_count].bytes, sizeof(c->senders[0].bytes));
    if (!config_sender_key(&w, text))
        return false;
    c->senders[c->sender_count++].len = w.len;
    return true;
}

static bool read_word(struct account_change *c, struct span name, struct span value)
{
    if (span_equal(name, span_text("quota"))) {
        c->quota_given = true;
        return read_quota(value, &c->quota);
    }
    if (span_equal(name, span_text("send_as")))
        return add_sender(c, value);
    if (span_equal(name, span_text("login"))) {
        c->login_given = true;
        c->disabled = span_equal(value, span_text("off"));
        return c->disabled || span_equal(value, span_text("on"));
    }
    if (span_equal(name, span_text("password")) && c->command != CTL_ACCOUNT_SET) {
        c->password = value;
        return true;
    }
    return false;
}

static bool read_words(struct account_change *c, const struct ctl_request *request,
                       struct writer *why)
{
    for (uint32_t i = 1; i < request->count; i++) {
        struct span name = {0}, value = {0};

        if (ctl_directory_word(request->arguments[i], &name, &value) && read_word(c, name, value))
            continue;
        /* Not the value: it may be a password. */
        writer_text(why, "expected quota=SIZE (none, default), send_as=ADDRESS or @DOMAIN, "
                         "login=on or off; this is none: ");
        writer_span_put(why, span_head(name, name.len < 40 ? name.len : 40));
        return false;
    }
    return true;
}

static bool edit(void *context, bool there, struct directory_admin_row *row)
{
    const struct account_change *c = context;
    struct directory_row_account *a = &row->account;
    struct account_change *told = context;

    told->clash = there == (c->command == CTL_ACCOUNT_ADD);
    if (told->clash && c->command != CTL_ACCOUNT_LOAD)
        return false;
    if (!there)
        *a = (struct directory_row_account){.quota = DIRECTORY_QUOTA_DEFAULT};
    if (c->mailbox.len)
        a->mailbox = c->mailbox;
    if (c->quota_given)
        a->quota = c->quota;
    if (c->login_given)
        a->disabled = c->disabled;
    if (c->password.len || c->hash.len) {
        a->hash = c->hash.len ? c->hash : span_text(c->kept.hash);
        a->scram[SCRAM_SHA1] = span_of(NULL, 0);
        a->scram[SCRAM_SHA256] = c->hash.len ? c->scram : span_text(c->kept.scram);
    }
    if (c->senders_given) {
        a->send_as.count = c->sender_count;
        for (uint32_t i = 0; i < c->sender_count; i++)
            a->send_as.name[i] = span_of(c->senders[i].bytes, c->senders[i].len);
    }
    return true;
}

/* The address with its domain as A-labels, as Delivered-To has it. */
static struct span mailbox_of(struct span address, struct span key, uint8_t *bytes, size_t size)
{
    struct writer w = writer_of(bytes, size);

    return config_address_key(&w, address, false) ? writer_span(&w) : key;
}

static json_t *remove_account(struct ctl_mail *mail, struct span key, struct writer *why)
{
    enum store_status status = directory_admin_remove(mail->store, DIRECTORY_ROW_ACCOUNT, key);
    uint64_t id;

    if (status != STORE_OK)
        return ctl_directory_failed(status, "no such account", why);
    /* In this order: whoever looks it up again finds nobody. */
    directory_service_changed(policy_directory(mail->policy), span_of(NULL, 0));
    if (store_account_find(mail->store, key, &id) == STORE_OK && !policy_gone(mail->policy, id)) {
        writer_text(why, "the account is removed; mail under way may still be taken for it");
        return NULL;
    }
    return json_pack("{s:o}", "account", json_stringn((const char *)key.data, key.len));
}

static json_t *put_account(struct ctl_mail *mail, struct account_change *c, struct span key,
                           struct writer *why)
{
    enum store_status status =
        directory_admin_change(mail->store, DIRECTORY_ROW_ACCOUNT, key, edit, c);

    if (status == STORE_BUSY) {
        writer_text(why, c->command == CTL_ACCOUNT_ADD ? "there is such an account already"
                                                       : "no such account");
        return NULL;
    }
    if (status != STORE_OK)
        return ctl_directory_failed(status, "no such account", why);
    /* What it may send as is remembered under other names than its own. */
    directory_service_changed(policy_directory(mail->policy),
                              c->senders_given ? span_of(NULL, 0) : key);
    return json_pack("{s:o}", "account", json_stringn((const char *)key.data, key.len));
}

static bool make_password(struct ctl_mail *mail, struct account_change *c, struct writer *why)
{
    if (!c->password.len && c->command != CTL_ACCOUNT_PASSWORD)
        return true;
    if (password_make(c->password, policy_values(mail->policy).hash_prefix, &c->kept))
        return true;
    writer_printf(why, "expected a password of 1 to %d octets without NUL", PASSWORD_MAX);
    return false;
}

json_t *ctl_directory_account_change(struct ctl_mail *mail, const struct ctl_request *request,
                                     struct writer *why)
{
    struct account_change *c = calloc(1, sizeof(*c));
    uint8_t bytes[ADDRESS_KEY_MAX], shown[ADDRESS_KEY_MAX];
    struct writer key = writer_of(bytes, sizeof(bytes));
    json_t *result = NULL;

    if (!c || !ctl_directory_key(mail, request->arguments[0], &key, why)) {
        free(c);
        return NULL;
    }
    c->command = request->command;
    if (request->command == CTL_ACCOUNT_DELETE) {
        result = remove_account(mail, writer_span(&key), why);
    } else if (policy_keeps(mail->policy, DIRECTORY_ADDRESS, writer_span(&key))) {
        writer_text(why, "the configuration has this address");
    } else if (read_words(c, request, why) && make_password(mail, c, why)) {
        if (c->command == CTL_ACCOUNT_ADD)
            c->mailbox = mailbox_of(request->arguments[0], writer_span(&key), shown, sizeof(shown));
        result = put_account(mail, c, writer_span(&key), why);
    }
    explicit_bzero(c, sizeof(*c));
    free(c);
    return result;
}

/* ---- many ---- */

static struct span text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
                                 : span_of(NULL, 0);
}

static bool is_hash(struct span hash)
{
    char text[CRYPT_OUTPUT_SIZE];
    int found;

    if (!hash.len || hash.len >= sizeof(text))
        return hash.len == 0;
    memcpy(text, hash.data, hash.len);
    text[hash.len] = 0;
    found = crypt_checksalt(text);
    return found == CRYPT_SALT_OK || found == CRYPT_SALT_METHOD_LEGACY;
}

/* One line of an import; what *c borrows is of the line. */
static bool read_line(struct ctl_mail *mail, const json_t *line, struct account_change *c,
                      struct writer *key, struct writer *why)
{
    const json_t *senders = json_object_get(line, "send_as"), *sender;
    const json_t *quota = json_object_get(line, "quota");
    struct scram_keys keys;
    bool ok = ctl_directory_key(mail, text_of(line, "address"), key, why);
    size_t i;

    if (!ok)
        return false;
    *c = (struct account_change){.command = CTL_ACCOUNT_LOAD,
                                 .hash = text_of(line, "hash"),
                                 .scram = text_of(line, "scram_sha_256"),
                                 .password = text_of(line, "password"),
                                 .mailbox = text_of(line, "address")};
    ok = !policy_keeps(mail->policy, DIRECTORY_ADDRESS, writer_span(key)) && is_hash(c->hash) &&
         (!c->scram.len || scram_keys_read(c->scram, &keys)) &&
         (!quota || (json_is_integer(quota) && json_integer_value(quota) >= 0));
    c->quota_given = quota != NULL;
    c->quota = (uint64_t)json_integer_value(quota);
    c->login_given = json_is_boolean(json_object_get(line, "login"));
    c->disabled = json_is_false(json_object_get(line, "login"));
    json_array_foreach(senders, i, sender) ok =
        ok && json_is_string(sender) && add_sender(c, span_text(json_string_value(sender)));
    if (!ok)
        writer_text(why, "a field that cannot be taken, or the configuration has the address");
    return ok && make_password(mail, c, why);
}

struct loading {
    struct account_change change;
    struct store_directory_row rows[LINES_MAX];
    uint32_t count;
    struct writer text; /* keys and values of the rows */
    uint8_t bytes[4 << 20];
};

static bool take_line(struct ctl_mail *mail, struct loading *l, const json_t *line,
                      struct writer *why)
{
    struct directory_admin_row row = {.kind = DIRECTORY_ROW_ACCOUNT};
    uint8_t bytes[ADDRESS_KEY_MAX], shown[ADDRESS_KEY_MAX];
    struct writer key = writer_of(bytes, sizeof(bytes));
    struct store_directory_row *out = &l->rows[l->count];
    size_t start;

    if (l->count == LINES_MAX || !read_line(mail, line, &l->change, &key, why))
        return false;
    l->change.mailbox =
        mailbox_of(text_of(line, "address"), writer_span(&key), shown, sizeof(shown));
    edit(&l->change, false, &row);
    start = l->text.len;
    directory_row_key(&l->text, DIRECTORY_ROW_ACCOUNT, writer_span(&key));
    out->key = span_of(l->text.data + start, l->text.len - start);
    start = l->text.len;
    directory_row_put_account(&l->text, &row.account);
    out->value = span_of(l->text.data + start, l->text.len - start);
    l->count++;
    return !l->text.full;
}

static bool take_lines(struct ctl_mail *mail, struct loading *l, struct span text,
                       struct writer *why)
{
    while (text.len) {
        ptrdiff_t end = span_find(text, '\n');
        struct span line = end < 0 ? text : span_head(text, (size_t)end);
        json_t *object;
        bool ok;

        text = span_skip(text, end < 0 ? text.len : (size_t)end + 1);
        if (!line.len)
            continue;
        object = json_loadb((const char *)line.data, line.len, 0, NULL);
        if (!json_is_object(object))
            writer_text(why, "a line that is no JSON object");
        ok = json_is_object(object) && take_line(mail, l, object, why);
        json_decref(object);
        if (!ok) {
            writer_printf(why, " (line %u of this part)", l->count + 1);
            return false;
        }
    }
    return true;
}

json_t *ctl_directory_account_load(struct ctl_mail *mail, const struct ctl_request *request,
                                   struct writer *why)
{
    struct loading *l = malloc(sizeof(*l));
    enum store_status status;
    json_t *result = NULL;

    if (!l)
        return ctl_directory_failed(STORE_FAILED, "", why);
    l->count = 0;
    l->text = writer_of(l->bytes, sizeof(l->bytes));
    if (take_lines(mail, l, request->arguments[0], why)) {
        status = store_directory_put(mail->store, l->rows, l->count);
        directory_service_changed(policy_directory(mail->policy), span_of(NULL, 0));
        result = status == STORE_OK ? json_pack("{s:i}", "accounts", (int)l->count)
                                    : ctl_directory_failed(status, "", why);
    }
    explicit_bzero(&l->change, sizeof(l->change));
    free(l);
    return result;
}
