/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/cli/cli_auth_options.h"
#include "proto/dkim/dkim_key.h"

/* One message that is being signed. */
struct signing {
    struct dkim_message message;
    struct dkim_sign_order order;
    int want;
    uint8_t header[CLI_HEADER_MAX];
};

/* The passphrase is the first line of its file. */
static bool read_passphrase(const struct cli_options *o, const char *command,
                            struct cli_message *file_out, struct span *passphrase_out)
{
    ptrdiff_t end;

    *file_out = (struct cli_message){0};
    *passphrase_out = span_of(NULL, 0);
    if (!o->passphrase_file)
        return true;
    if (!cli_message_read(file_out, o->passphrase_file)) {
        fprintf(stderr, "wirepost %s: %s: %s\n", command, o->passphrase_file, strerror(errno));
        return false;
    }
    *passphrase_out = cli_message_span(file_out);
    end = span_find(*passphrase_out, '\n');
    if (end >= 0)
        passphrase_out->len = (size_t)end;
    return true;
}

static bool read_key(const char *path, struct span passphrase, const char *command,
                     struct dkim_signer *signer_out)
{
    static const char *const wrong[] = {
        [DKIM_SIGNER_BAD] = "no private key in PEM, or the passphrase is wrong",
        [DKIM_SIGNER_ENCRYPTED] = "the key is encrypted: expected --passphrase-file FILE",
        [DKIM_SIGNER_TYPE] = "neither an RSA nor an Ed25519 key",
        [DKIM_SIGNER_SHORT] = "an RSA key has 1024 to 16384 bits"};
    enum dkim_signer_status status = DKIM_SIGNER_GOOD;
    struct cli_message file;
    const char *why = NULL;

    if (!cli_message_read(&file, path))
        why = strerror(errno);
    else
        status = dkim_signer_read(cli_message_span(&file), passphrase, signer_out);
    cli_message_free(&file);
    if (status != DKIM_SIGNER_GOOD)
        why = wrong[status];
    if (why)
        fprintf(stderr, "wirepost %s: %s: %s\n", command, path, why);
    return why == NULL;
}

int cli_dkim_keys(const struct cli_options *o, const char *command,
                  struct cli_dkim_key keys[CLI_KEYS_MAX])
{
    struct cli_message file;
    struct span passphrase;
    bool good = read_passphrase(o, command, &file, &passphrase);
    int count = 0;

    while (good && count < o->key_count) {
        keys[count].selector = o->selectors[count];
        good = read_key(o->keys[count], passphrase, command, &keys[count].signer);
        count += good;
    }
    cli_message_free(&file);
    if (!good)
        cli_dkim_keys_free(keys, count);
    return good ? count : -1;
}

void cli_dkim_keys_free(struct cli_dkim_key keys[CLI_KEYS_MAX], int count)
{
    for (int i = 0; i < count; i++)
        dkim_signer_fini(&keys[i].signer);
}

static bool canon_of(struct span word, uint8_t *canon_out)
{
    *canon_out = span_equal(word, span_text("simple")) ? DKIM_SIMPLE : DKIM_RELAXED;
    return *canon_out == DKIM_SIMPLE || span_equal(word, span_text("relaxed"));
}

/* "HEADER/BODY", or one word for both. */
static bool read_canons(const char *text, struct dkim_sign_order *order)
{
    struct span all = span_text(text);
    ptrdiff_t slash = span_find(all, '/');

    return canon_of(slash < 0 ? all : span_head(all, (size_t)slash), &order->header_canon) &&
           canon_of(slash < 0 ? all : span_skip(all, (size_t)slash + 1), &order->body_canon);
}

/* Seconds from now on. */
static bool read_expires(const char *text, struct dkim_sign_order *order)
{
    char *end;
    unsigned long long seconds = strtoull(text, &end, 10);

    order->expires = order->time + seconds;
    return end != text && *end == 0 && text[0] != '-' && seconds > 0 && seconds < 1000000000;
}

bool cli_dkim_order(const struct cli_options *o, const char *command,
                    struct dkim_sign_order *order_out)
{
    const char *wrong = NULL;

    *order_out = (struct dkim_sign_order){
        .header_canon = DKIM_RELAXED,
        .body_canon = DKIM_RELAXED,
        .domain = span_text(o->domain),
        .identity = span_text(o->identity ? o->identity : ""),
        .headers = span_text(o->sign_headers ? o->sign_headers : DKIM_SIGN_HEADERS),
        .oversigned = span_text(o->oversign ? o->oversign : DKIM_SIGN_OVERSIGNED)};
    if (!cli_auth_now(o, command, &order_out->time))
        return false;
    if (o->canonicalization && !read_canons(o->canonicalization, order_out))
        wrong = o->canonicalization;
    if (o->expires && !read_expires(o->expires, order_out))
        wrong = o->expires;
    if (wrong)
        fprintf(stderr, "wirepost %s: not understood: %s\n", command, wrong);
    return !wrong;
}

static void on_header(void *context)
{
    struct signing *s = context;

    s->want = dkim_sign_want(&s->order, &s->message.body);
}

/* What was made is read again: a domain, a selector, an identity or a name that is none does not
 * go out. */
static bool is_good(struct span field)
{
    struct dkim_settings settings = {.bits_least = DKIM_RSA_BITS_LEAST, .most = 1};
    struct dkim_header *header = malloc(sizeof(*header));
    struct dkim_check *check = malloc(sizeof(*check));
    bool good = false;

    if (header && check) {
        dkim_header_read(header, field);
        dkim_check_init(check, header, 0, DKIM_KIND_SIGNATURE, &settings);
        good = header->count == 1 && !check->decided;
        dkim_check_fini(check);
    }
    free(header);
    free(check);
    return good;
}

static int sign_all(struct signing *s, const struct cli_message *m, const struct cli_dkim_key *keys,
                    int count)
{
    static uint8_t text[CLI_KEYS_MAX * DKIM_SIGN_FIELD_MAX];
    struct writer w = writer_of(text, sizeof(text));

    for (int i = 0; i < count; i++) {
        size_t begin = w.len;

        s->order.selector = span_text(keys[i].selector);
        if (!dkim_sign(&w, &s->order, &keys[i].signer, &s->message.header, &s->message.body,
                       s->want) ||
            !is_good(span_skip(writer_span(&w), begin))) {
            fprintf(stderr,
                    "wirepost dkim: no signature can be made: From is not among the names, or a "
                    "name is none or too long\n");
            return CLI_FAILED;
        }
    }
    cli_message_print(m, writer_span(&w));
    cli_message_print(m, cli_message_span(m));
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

int cli_dkim_sign(const struct cli_options *o)
{
    struct signing *s = malloc(sizeof(*s));
    struct cli_dkim_key keys[CLI_KEYS_MAX];
    struct cli_message m;
    int status = CLI_USAGE, count = -1;

    if (s && cli_dkim_order(o, "dkim", &s->order))
        count = cli_dkim_keys(o, "dkim", keys);
    if (count > 0) {
        status = CLI_FAILED;
        if (cli_dkim_message(&m, o->argv[1], "dkim")) {
            dkim_message_init(&s->message);
            dkim_message_begin(&s->message, s->header, sizeof(s->header));
            cli_dkim_pass(&s->message, cli_message_span(&m), on_header, s);
            status = sign_all(s, &m, keys, count);
            dkim_message_fini(&s->message);
            cli_message_free(&m);
        }
        cli_dkim_keys_free(keys, count);
    }
    free(s);
    return status;
}

/* A string of a TXT record has at most 255 bytes (RFC 1035 section 3.3.14). */
static void print_record(const struct cli_dkim_key *key, const char *domain, struct span text)
{
    printf("%s._domainkey.%s. IN TXT", key->selector, domain);
    for (; text.len; text = span_skip(text, 255)) {
        struct span string = span_head(text, 255);

        printf(" \"%.*s\"", (int)string.len, (const char *)string.data);
    }
    putchar('\n');
}

int cli_dkim_record(const struct cli_options *o)
{
    struct cli_dkim_key keys[CLI_KEYS_MAX];
    uint8_t text[DKIM_SIGNER_RECORD_MAX];
    int count = cli_dkim_keys(o, "dkim", keys);
    bool good = count > 0;

    for (int i = 0; i < count; i++) {
        struct writer w = writer_of(text, sizeof(text));

        good = good && dkim_signer_record(&keys[i].signer, &w);
        if (good)
            print_record(&keys[i], o->domain, writer_span(&w));
    }
    if (count > 0)
        cli_dkim_keys_free(keys, count);
    return count < 0 ? CLI_USAGE : good && fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}
