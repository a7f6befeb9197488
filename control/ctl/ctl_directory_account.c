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

enum { FORWARDS_MAX = 16 };

/* What is to become of an account; spans borrow from the request. */
struct account_change {
    enum ctl_command command;
    struct ctl_terms *terms;
    bool quota_given, login_given, disabled, senders_given, forwards_given, copy_given, clash;
    bool keep_copy;
    uint64_t quota;
    struct span mailbox, password, hash, scram;
    struct password_kept kept;
    uint32_t sender_count;
    struct {
        uint8_t bytes[1 + ADDRESS_KEY_MAX];
        size_t len;
    } senders[DIRECTORY_ROW_NAMES];
    uint32_t forward_count;
    struct {
        uint8_t bytes[CONFIG_FORWARD_MAX];
        size_t len;
    } forwards[FORWARDS_MAX];
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
    if (!config_sender_key(&w, text) || !ctl_terms_may(c->terms, writer_span(&w)))
        return false;
    c->senders[c->sender_count++].len = w.len;
    return true;
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

/* What is not for a command line, where others see it. */
static bool read_secret(struct account_change *c, struct span name, struct span value)
{
    struct scram_keys keys;

    if (!c->terms->remote)
        return false;
    if (span_equal(name, span_text("hash"))) {
        c->hash = value;
        return value.len && is_hash(value);
    }
    if (span_equal(name, span_text("password"))) {
        c->password = value;
        return value.len > 0;
    }
    c->scram = value;
    return span_equal(name, span_text("scram_sha_256")) && scram_keys_read(value, &keys);
}

static bool add_forward(struct ctl_mail *mail, struct account_change *c, struct span text,
                        struct writer *why)
{
    struct writer w;

    c->forwards_given = true;
    if (text.len == 0)
        return true;
    if (c->forward_count == FORWARDS_MAX) {
        writer_printf(why, "forward: expected at most %d", FORWARDS_MAX);
        return false;
    }
    w = writer_of(c->forwards[c->forward_count].bytes, sizeof(c->forwards[0].bytes));
    if (!ctl_directory_forward(mail, text, &w, why))
        return false;
    c->forwards[c->forward_count++].len = w.len;
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
    if (span_equal(name, span_text("keep_copy"))) {
        c->copy_given = true;
        c->keep_copy = span_equal(value, span_text("on"));
        return c->keep_copy || span_equal(value, span_text("off"));
    }
    if (span_equal(name, span_text("password")) && c->command != CTL_ACCOUNT_SET) {
        c->password = value;
        return true;
    }
    return read_secret(c, name, value);
}

static bool read_words(struct ctl_mail *mail, struct account_change *c,
                       const struct ctl_request *request, struct writer *why)
{
    for (uint32_t i = 1; i < request->count; i++) {
        struct span name = {0}, value = {0};
        bool word = ctl_directory_word(request->arguments[i], &name, &value);

        if (word && span_equal(name, span_text("forward"))) {
            if (!add_forward(mail, c, value, why))
                return false;
            continue;
        }
        if (word && read_word(c, name, value))
            continue;
        /* Not the value: it may be a password. */
        writer_text(why, "expected quota=SIZE (none, default), send_as=ADDRESS or @DOMAIN, "
                         "forward=ADDRESS, keep_copy=on or off, login=on or off; this is none: ");
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

    if (!ctl_terms_agreed(c->terms, there, row))
        return false;
    told->clash = there == (c->command == CTL_ACCOUNT_ADD);
    if (told->clash && c->command != CTL_ACCOUNT_LOAD)
        return false;
    if (!there)
        *a = (struct directory_row_account){.quota = DIRECTORY_QUOTA_DEFAULT, .keep_copy = true};
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
    if (c->copy_given)
        a->keep_copy = c->keep_copy;
    if (c->forwards_given) {
        a->forward.count = c->forward_count;
        for (uint32_t i = 0; i < c->forward_count; i++)
            a->forward.name[i] = span_of(c->forwards[i].bytes, c->forwards[i].len);
    }
    if (c->senders_given) {
        a->send_as.count = c->sender_count;
        for (uint32_t i = 0; i < c->sender_count; i++)
            a->send_as.name[i] = span_of(c->senders[i].bytes, c->senders[i].len);
    }
    if (c->command != CTL_ACCOUNT_LOAD)
        ctl_terms_became(c->terms, row);
    return true;
}

/* The address with its domain as A-labels, as Delivered-To has it. */
static struct span mailbox_of(struct span address, struct span key, uint8_t *bytes, size_t size)
{
    struct writer w = writer_of(bytes, size);

    return config_address_key(&w, address, false) ? writer_span(&w) : key;
}

static bool agree(void *context, bool there, struct directory_admin_row *row)
{
    return ctl_terms_agreed(context, there, row);
}

static json_t *remove_account(struct ctl_mail *mail, struct span key, struct ctl_terms *terms,
                              struct writer *why)
{
    struct store_audit memory;
    enum store_status status =
        directory_admin_remove(mail->store, DIRECTORY_ROW_ACCOUNT, key, agree, terms,
                               ctl_terms_audit(terms, STORE_AUDIT_ACCOUNT_DELETE, key, &memory));
    uint64_t id;

    if (status != STORE_OK)
        return ctl_directory_failed(status, CTL_DIRECTORY_NONE_ACCOUNT, why);
    /* In this order: whoever looks it up again finds nobody. */
    directory_service_changed(policy_directory(mail->policy), span_of(NULL, 0));
    if (store_account_find(mail->store, key, &id) == STORE_OK && !policy_gone(mail->policy, id)) {
        writer_text(why, "the account is removed; mail under way may still be taken for it");
        return NULL;
    }
    return json_pack("{s:o}", "account", json_stringn((const char *)key.data, key.len));
}

static enum store_audit_action action_of(enum ctl_command command)
{
    if (command == CTL_ACCOUNT_ADD)
        return STORE_AUDIT_ACCOUNT_ADD;
    return command == CTL_ACCOUNT_SET ? STORE_AUDIT_ACCOUNT_SET : STORE_AUDIT_ACCOUNT_PASSWORD;
}

static json_t *put_account(struct ctl_mail *mail, struct account_change *c, struct span key,
                           struct writer *why)
{
    struct store_audit memory;
    enum store_status status =
        directory_admin_change(mail->store, DIRECTORY_ROW_ACCOUNT, key, edit, c,
                               ctl_terms_audit(c->terms, action_of(c->command), key, &memory));

    if (status == STORE_BUSY && c->clash)
        writer_text(why, c->command == CTL_ACCOUNT_ADD ? CTL_DIRECTORY_HAS_ACCOUNT
                                                       : CTL_DIRECTORY_NONE_ACCOUNT);
    if (status == STORE_BUSY && c->clash)
        return NULL;
    if (status != STORE_OK)
        return ctl_directory_failed(status, CTL_DIRECTORY_NONE_ACCOUNT, why);
    /* What it may send as, and aliases that lead to it, are remembered under other names than its
     * own. */
    directory_service_changed(
        policy_directory(mail->policy),
        c->senders_given || c->forwards_given || c->copy_given ? span_of(NULL, 0) : key);
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
    c->terms = request->terms;
    if (request->command == CTL_ACCOUNT_DELETE) {
        result = remove_account(mail, writer_span(&key), request->terms, why);
    } else if (policy_keeps(mail->policy, DIRECTORY_ADDRESS, writer_span(&key))) {
        writer_text(why, CTL_DIRECTORY_KEPT);
    } else if (read_words(mail, c, request, why) && make_password(mail, c, why)) {
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

static bool known_fields(const json_t *line)
{
    static const char *const names[] = {"address", "hash",  "scram_sha_256", "password", "quota",
                                        "send_as", "login", "forward",       "keep_copy"};
    const char *name;
    json_t *value;
    bool ok = true;

    json_object_foreach((json_t *)(uintptr_t)line, name, value)
    {
        bool known = false;

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            known = known || strcmp(name, names[i]) == 0;
        ok = ok && known;
    }
    return ok;
}

static bool is_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return !value || json_is_string(value);
}

static bool good_types(const json_t *line)
{
    const json_t *quota = json_object_get(line, "quota"), *login = json_object_get(line, "login");
    const json_t *senders = json_object_get(line, "send_as");
    const json_t *forwards = json_object_get(line, "forward");
    const json_t *copy = json_object_get(line, "keep_copy");

    return known_fields(line) && (!forwards || json_is_array(forwards)) &&
           (!copy || json_is_boolean(copy)) && is_text(line, "hash") &&
           is_text(line, "scram_sha_256") && is_text(line, "password") &&
           (!senders || json_is_array(senders)) && (!login || json_is_boolean(login)) &&
           (!quota || (json_is_integer(quota) && json_integer_value(quota) >= 0));
}

/* One line of an import; what *c borrows is of the line. */
static bool read_line(struct ctl_mail *mail, const json_t *line, struct account_change *c,
                      struct writer *key, struct writer *why)
{
    const json_t *senders = json_object_get(line, "send_as"), *sender;
    const json_t *forwards = json_object_get(line, "forward"), *forward;
    const json_t *quota = json_object_get(line, "quota");
    struct ctl_terms *terms = c->terms;
    struct scram_keys keys;
    bool ok = ctl_directory_key(mail, text_of(line, "address"), key, why);
    size_t i;

    if (!ok)
        return false;
    *c = (struct account_change){.command = CTL_ACCOUNT_LOAD,
                                 .terms = terms,
                                 .hash = text_of(line, "hash"),
                                 .scram = text_of(line, "scram_sha_256"),
                                 .password = text_of(line, "password"),
                                 .mailbox = text_of(line, "address")};
    if (!ctl_terms_may(terms, writer_span(key))) {
        writer_text(why, CTL_DIRECTORY_FORBIDDEN);
        return false;
    }
    ok = !policy_keeps(mail->policy, DIRECTORY_ADDRESS, writer_span(key)) && good_types(line) &&
         is_hash(c->hash) && (!c->scram.len || scram_keys_read(c->scram, &keys));
    c->quota_given = quota != NULL;
    c->quota = (uint64_t)json_integer_value(quota);
    c->login_given = json_is_boolean(json_object_get(line, "login"));
    c->disabled = json_is_false(json_object_get(line, "login"));
    json_array_foreach(senders, i, sender) ok =
        ok && json_is_string(sender) &&
        add_sender(c, span_of(json_string_value(sender), json_string_length(sender)));
    c->copy_given = json_is_boolean(json_object_get(line, "keep_copy"));
    c->keep_copy = json_is_true(json_object_get(line, "keep_copy"));
    json_array_foreach(forwards, i, forward) ok =
        ok && json_is_string(forward) &&
        add_forward(mail, c, span_text(json_string_value(forward)), why);
    if (!ok)
        writer_text(why, "a field that cannot be taken, or the configuration has the address");
    return ok && make_password(mail, c, why);
}

struct loading {
    struct account_change change;
    struct store_directory_row rows[CTL_DIRECTORY_LINES];
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
    struct ctl_terms *terms = l->change.terms;
    size_t start;

    if (!read_line(mail, line, &l->change, &key, why))
        return false;
    l->change.mailbox =
        mailbox_of(text_of(line, "address"), writer_span(&key), shown, sizeof(shown));
    l->change.terms = NULL;
    edit(&l->change, false, &row);
    l->change.terms = terms;
    start = l->text.len;
    directory_row_key(&l->text, DIRECTORY_ROW_ACCOUNT, writer_span(&key));
    out->key = span_of(l->text.data + start, l->text.len - start);
    start = l->text.len;
    directory_row_put_account(&l->text, &row.account);
    out->value = span_of(l->text.data + start, l->text.len - start);
    l->count++;
    return true;
}

/* What was wrong with a line stands in `why`, and is told. */
static bool refuse_line(struct ctl_directory_load *load, const json_t *object, struct writer *why)
{
    if (!load->refused)
        return false;
    load->refused(load->context, load->line, text_of(object, "address"), writer_span(why));
    why->len = 0;
    why->full = false;
    return true;
}

static bool take_lines(struct ctl_mail *mail, struct loading *l, struct span text,
                       struct ctl_directory_load *load, struct writer *why)
{
    bool ok = true;

    while (text.len && ok && !l->text.full && l->count < CTL_DIRECTORY_LINES) {
        ptrdiff_t end = span_find(text, '\n');
        struct span line = end < 0 ? text : span_head(text, (size_t)end);
        json_t *object;

        text = span_skip(text, end < 0 ? text.len : (size_t)end + 1);
        load->line++;
        if (!line.len)
            continue;
        object = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(object))
            writer_text(why, "a line that is no JSON object, or has a name twice");
        ok = (json_is_object(object) && take_line(mail, l, object, why)) ||
             refuse_line(load, object, why);
        json_decref(object);
    }
    return ok && !text.len && !l->text.full;
}

enum store_status ctl_directory_load(struct ctl_mail *mail, struct span text,
                                     struct ctl_directory_load *load, struct writer *why)
{
    struct loading *l = malloc(sizeof(*l));
    enum store_status status = STORE_FAILED;
    struct store_audit memory;

    if (!l)
        return STORE_FAILED;
    if (!policy_asks(mail->policy, "store")) {
        writer_text(why, CTL_DIRECTORY_NO_STORE);
        free(l);
        return STORE_FAILED;
    }
    l->count = 0;
    l->change.terms = load->terms;
    l->text = writer_of(l->bytes, sizeof(l->bytes));
    load->accounts = 0;
    if (take_lines(mail, l, text, load, why)) {
        const struct store_audit *audit =
            ctl_terms_audit(load->terms, STORE_AUDIT_ACCOUNT_IMPORT, span_of(NULL, 0), &memory);

        status = l->count
                     ? store_directory_put(mail->store, l->rows, l->count, audit, audit != NULL)
                     : STORE_OK;
        if (l->count)
            directory_service_changed(policy_directory(mail->policy), span_of(NULL, 0));
        load->accounts = status == STORE_OK ? l->count : 0;
    }
    explicit_bzero(&l->change, sizeof(l->change));
    free(l);
    return status;
}

json_t *ctl_directory_account_load(struct ctl_mail *mail, const struct ctl_request *request,
                                   struct writer *why)
{
    struct ctl_directory_load load = {.terms = request->terms};
    enum store_status status = ctl_directory_load(mail, request->arguments[0], &load, why);

    if (status == STORE_OK)
        return json_pack("{s:i}", "accounts", (int)load.accounts);
    if (why->len)
        writer_printf(why, " (line %llu of this part)", (unsigned long long)load.line);
    else
        ctl_directory_failed(status, "", why);
    return NULL;
}
