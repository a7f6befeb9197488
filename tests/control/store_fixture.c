/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/control/store_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct id128 store_fixture_id(uint64_t number)
{
    struct id128 id = {0};

    for (int i = 0; i < 8; i++)
        id.bytes[15 - i] = (uint8_t)(number >> 8 * i);
    return id;
}

void store_fixture_bytes(uint64_t number, uint8_t *out, uint64_t size)
{
    uint64_t x = number * 0x9e3779b97f4a7c15u + 1;

    for (uint64_t i = 0; i < size; i++) {
        if (i % 8 == 0) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
        out[i] = (uint8_t)(x >> i % 8 * 8);
    }
}

void store_fixture_prefix(uint64_t number, uint32_t delivery, char *out)
{
    snprintf(out, 64, "Delivered-To: recipient %u of %llu\r\n", delivery,
             (unsigned long long)number);
}

static struct chunk *chunk_of(const uint8_t *bytes, uint32_t len)
{
    struct chunk *c = malloc(sizeof(*c) + len);

    *c = (struct chunk){.len = len, .cap = len};
    memcpy(c->data, bytes, len);
    return c;
}

struct store_fixture *store_fixture_new(uint64_t number, uint64_t size, uint32_t rows,
                                        uint32_t chunk)
{
    struct store_fixture *f = calloc(1, sizeof(*f));
    struct message *m = &f->message;
    struct chunk **tail = &f->chunks;

    f->bytes = malloc(size + 1);
    store_fixture_bytes(number, f->bytes, size);
    m->id = store_fixture_id(number);
    m->received_ms = 1700000000000 + number;
    m->size = size;
    m->rows_written = rows;
    m->envelope.sender = span_text("sender@example.org");
    m->envelope.helo = span_text("client.example.org");
    m->envelope.envid = span_text("envelope-id");
    m->envelope.authenticated = span_text("somebody");
    m->envelope.client = ip_address_v4((const uint8_t[4]){198, 18, 0, 1});
    m->envelope.client_port = 4321;
    m->envelope.body = MESSAGE_BODY_8BITMIME;
    m->envelope.ret = 2;
    m->envelope.require_tls = m->envelope.tls_optional = true;
    m->envelope.priority = -3;
    m->envelope.deliver_by_ms = 1800000000000;
    m->envelope.hold_until_ms = 1750000000000;
    m->tree = span_text("encoded tree");
    m->verdict = span_text("rule-7");
    for (uint64_t at = (uint64_t)rows * CHUNK_LARGE_DATA; at < size;) {
        uint32_t n = size - at < chunk ? (uint32_t)(size - at) : chunk;

        *tail = chunk_of(f->bytes + at, n);
        tail = &(*tail)->next;
        at += n;
    }
    m->rest = f->chunks;
    return f;
}

void store_fixture_free(struct store_fixture *f)
{
    while (f->chunks) {
        struct chunk *next = f->chunks->next;

        free(f->chunks);
        f->chunks = next;
    }
    free(f->bytes);
    free(f);
}

void store_fixture_to(struct store_fixture *f, uint64_t account, enum message_place place)
{
    uint32_t i = f->message.deliveries++;
    uint64_t number = 0;

    for (int b = 8; b < 16; b++)
        number = number << 8 | f->message.id.bytes[b];
    store_fixture_prefix(number, i, f->prefixes[i]);
    f->message.delivery[i] = (struct message_delivery){
        .recipient = span_text("Somebody@Example.org"),
        .orcpt = span_text("rfc822;somebody@example.org"),
        .notify = 6,
        .place = (uint8_t)place,
        .account = account,
        .prefix = span_text(f->prefixes[i]),
    };
}

enum store_status store_fixture_write(struct store *store, struct store_fixture *f)
{
    enum store_status status = STORE_OK;

    for (uint32_t row = 0; status == STORE_OK && row < f->message.rows_written; row++)
        status =
            store_write(store, &f->message.id, row,
                        span_of(f->bytes + (uint64_t)row * CHUNK_LARGE_DATA, CHUNK_LARGE_DATA));
    return status;
}

enum store_status store_fixture_commit(struct store *store, struct store_fixture *f)
{
    struct store_change change = {.kind = STORE_COMMIT, .message = &f->message};

    store_apply(store, &change, 1);
    return change.status_out;
}

struct compare {
    const uint8_t *bytes;
    uint64_t at, size;
    bool same;
};

static bool compare_bytes(void *context, struct span bytes)
{
    struct compare *c = context;

    c->same = c->same && bytes.len <= c->size - c->at &&
              memcmp(c->bytes + c->at, bytes.data, bytes.len) == 0;
    if (c->same)
        c->at += bytes.len;
    return c->same;
}

bool store_fixture_same(struct store *store, uint64_t mailbox, uint32_t uid, uint64_t number,
                        uint32_t delivery, uint64_t size)
{
    uint8_t *bytes = malloc(64 + size);
    struct compare c = {.bytes = bytes, .same = true};
    enum store_status status;

    store_fixture_prefix(number, delivery, (char *)bytes);
    c.size = strlen((char *)bytes);
    store_fixture_bytes(number, bytes + c.size, size);
    c.size += size;
    status = store_export(store, mailbox, uid, compare_bytes, &c);
    free(bytes);
    return status == STORE_OK && c.same && c.at == c.size;
}

struct wanted {
    enum message_place place;
    struct store_mailbox *out;
};

static bool want_mailbox(void *context, const struct store_mailbox *mailbox)
{
    struct wanted *w = context;

    if (mailbox->place != w->place)
        return true;
    *w->out = *mailbox;
    w->out->name = span_of(NULL, 0);
    return false;
}

uint64_t store_fixture_mailbox(struct store *store, uint64_t account, enum message_place place,
                               struct store_mailbox *mailbox_out)
{
    struct store_mailbox mailbox = {0};
    struct wanted w = {.place = place, .out = mailbox_out ? mailbox_out : &mailbox};

    store_mailboxes(store, account, want_mailbox, &w);
    return w.out->id;
}

uint64_t store_fixture_account(struct store *store, const char *name, uint64_t quota)
{
    uint64_t tenant = 0, domain = 0, account = 0;
    struct store_account fields = {.key = span_text(name), .quota_octets = quota};

    if (store_tenant_put(store, span_text("tenant"), &tenant) != STORE_OK ||
        store_domain_put(store, tenant, span_text("example.org"), 0, &domain) != STORE_OK)
        return 0;
    fields.domain = domain;
    return store_account_put(store, &fields, &account) == STORE_OK ? account : 0;
}

static bool in_memory;

void store_fixture_choose(int argc, char **argv)
{
    in_memory = argc > 1 && strcmp(argv[1], "memory") == 0;
}

bool store_fixture_in_memory(void)
{
    return in_memory;
}

enum store_status store_fixture_open(const struct store_options *options, struct store **store_out,
                                     char *error)
{
    return in_memory ? store_memory_open(options, store_out, error)
                     : store_rocks_open(options, store_out, error);
}

char *store_fixture_folder(const char *name)
{
    const char *parent = getenv("TMPDIR");
    char *path = NULL;

    if (asprintf(&path, "%s/wirepost-%s-XXXXXX", parent ? parent : "/tmp", name) < 0)
        abort();
    if (!mkdtemp(path))
        abort();
    return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

void store_fixture_remove(char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}
