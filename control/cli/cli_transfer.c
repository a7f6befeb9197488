/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_transfer.h"

#include <stdio.h>

#include "control/cli/cli.h"
#include "control/config/config_settings.h"
#include "control/ctl/ctl_remote.h"
#include "control/service/account_registry.h"
#include "control/transfer/export_run.h"
#include "control/transfer/import_store.h"

enum { REASON = 4096 };

static const char *name_of(const struct cli_transfer *t)
{
    if (t->config)
        return t->import ? "import" : "export";
    return t->import ? "ctl import" : "ctl export";
}

static int fail(const struct cli_transfer *t, const char *what, const char *why)
{
    fprintf(stderr, "wirepost %s: %s%s%s\n", name_of(t), what, why[0] ? ": " : "", why);
    return CLI_FAILED;
}

/* File names and senders are a stranger's: no control byte of them gets to a terminal. */
static void tell(void *context, const char *where, const char *why)
{
    fprintf(stderr, "wirepost %s: ", name_of(context));
    for (; *where; where++)
        fputc((unsigned char)*where < ' ' || *where == 0x7f ? '?' : *where, stderr);
    fprintf(stderr, ": %s\n", why);
}

static int run_import(const struct cli_transfer *t, struct import_sink sink,
                      enum transfer_format format)
{
    struct import_run run = {.sink = sink,
                             .format = format,
                             .subfolders = t->subfolders,
                             .tell = tell,
                             .context = (void *)(uintptr_t)t};
    bool ok = import_run(&run, t->path);

    printf("imported %llu, there already %llu, refused %llu, folders left out %llu, "
           "messages with keywords left out %llu\n",
           (unsigned long long)run.imported, (unsigned long long)run.there,
           (unsigned long long)run.refused, (unsigned long long)run.folders,
           (unsigned long long)run.keywords);
    return ok && run.refused == 0 ? CLI_OK : CLI_FAILED;
}

static int run_export(const struct cli_transfer *t, struct export_run *run)
{
    bool ok;

    run->tell = tell;
    run->tell_context = (void *)(uintptr_t)t;
    ok = export_run(run, t->path);
    printf("exported %llu, deleted meanwhile %llu\n", (unsigned long long)run->exported,
           (unsigned long long)run->gone);
    return ok ? CLI_OK : CLI_FAILED;
}

/* ---- through a running engine ---- */

static int by_engine(const struct cli_transfer *t, enum transfer_format format)
{
    char reason[REASON] = "";
    struct writer why = writer_of(reason, sizeof(reason) - 1);
    struct ctl_remote *remote = ctl_remote_open(t->socket, t->account, &why);
    struct export_run run = {.format = format};
    struct import_sink sink;
    int status = CLI_FAILED;

    if (remote && t->import && ctl_remote_import(remote, &sink, &why))
        status = run_import(t, sink, format);
    else if (remote && !t->import && ctl_remote_export(remote, &run, &why))
        status = run_export(t, &run);
    else
        fail(t, reason, "");
    if (remote)
        ctl_remote_close(remote);
    return status;
}

/* ---- on a store of our own ---- */

/* The account as the configuration has it, made when no engine has made it yet; or, for one that
 * the configuration has no more, as the store has it. */
static uint64_t account_of(const struct cli_transfer *t, struct store *store)
{
    struct account_registry *registry = account_registry_new(store, t->config);
    uint8_t text[512];
    struct writer key;
    uint64_t id = 0;

    for (int fold = 0; fold < 2 && id == 0 && registry; fold++) {
        key = writer_of(text, sizeof(text));
        if (!config_address_key(&key, span_text(t->account), fold))
            break;
        for (uint32_t i = 0; i < t->config->accounts_count && id == 0; i++)
            if (span_equal(t->config->accounts[i].key, writer_span(&key)))
                id = account_registry_id(registry, writer_span(&key));
        if (id == 0 && store_account_find(store, writer_span(&key), &id) != STORE_OK)
            id = 0;
    }
    if (registry)
        account_registry_free(registry);
    return id;
}

struct exporting {
    struct store *store;
    struct export_list list;
};

static enum store_status fetch(void *context, uint32_t uid, store_bytes_visit *visit,
                               void *visit_context)
{
    const struct exporting *e = context;

    return store_export(e->store, e->list.mailbox, uid, visit, visit_context);
}

static int import_here(const struct cli_transfer *t, struct store *store, uint64_t account,
                       enum transfer_format format)
{
    struct import_store_options options = {.store = store,
                                           .account = account,
                                           .address = span_text(t->account),
                                           .size_max = (uint64_t)t->config->smtp.message_size,
                                           .node = (uint16_t)t->config->engine.node};
    struct import_store *import = import_store_new(&options);
    int status;

    if (!import)
        return fail(t, "out of memory", "");
    status = run_import(t, import_store_sink(import), format);
    import_store_free(import);
    return status;
}

static int export_here(const struct cli_transfer *t, struct store *store, uint64_t account,
                       enum transfer_format format)
{
    struct exporting e = {.store = store};
    struct export_run run = {.format = format, .fetch = fetch, .context = &e};
    int status;

    if (!export_list_make(store, account, &e.list))
        return fail(t, "the mailbox cannot be read", "");
    run.list = span_of(e.list.text, e.list.len);
    run.unique = e.list.uid_validity;
    status = run_export(t, &run);
    export_list_free(&e.list);
    return status;
}

static int by_store(const struct cli_transfer *t, enum transfer_format format)
{
    char error[STORE_ERROR] = "";
    struct store_options options = {.path = t->config->store.path,
                                    .sync = t->config->store.sync,
                                    .node = (uint16_t)t->config->engine.node};
    struct store *store;
    uint64_t account;
    int status;

    if (t->config->store.kind == CONFIG_STORE_MEMORY)
        return fail(t, "store.kind is memory",
                    "there is nothing but a running engine to ask: "
                    "`wirepost ctl` does");
    if (store_rocks_open(&options, &store, error) != STORE_OK)
        return fail(t, error,
                    "when an engine has it open, `wirepost ctl import` and `export` go through it");
    account = account_of(t, store);
    if (account == 0)
        status = fail(t, t->account, "no such account");
    else if (t->import)
        status = import_here(t, store, account, format);
    else
        status = export_here(t, store, account, format);
    store_close(store);
    return status;
}

int cli_transfer(const struct cli_transfer *t)
{
    enum transfer_format format = TRANSFER_AUTO;

    if (t->format && !transfer_format_parse(t->format, &format)) {
        fail(t, t->format, "expected maildir, mboxrd, mboxo or mboxcl2");
        return CLI_USAGE;
    }
    if (!t->import && format != TRANSFER_AUTO && format != TRANSFER_MAILDIR &&
        format != TRANSFER_MBOXRD) {
        fail(t, t->format, "exports are written as maildir or mboxrd");
        return CLI_USAGE;
    }
    return t->config ? by_store(t, format) : by_engine(t, format);
}
