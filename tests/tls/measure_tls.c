/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What TLS costs one thread, without anything around it:
 *
 *     measure_tls MILLISECONDS
 *     measure_tls count bare|ours full|resumed HANDSHAKES
 *
 * prints, for each kind of key, what the server's side of a handshake takes, full and resumed (TLS
 * 1.3 over memory BIOs): OpenSSL's SSL_do_handshake() alone, and tls_handshake with the contexts of
 * an engine: certificates by name, tickets, the keys taken out of it. Then what records of 16 KiB
 * take: EVP's AEAD alone, and tls_record. All in turn, for so long each, by the time of the
 * processor. The second way is for callgrind, which counts the server's side by
 * --toggle-collect=begin --toggle-collect=feed --toggle-collect=end.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "control/tls/tls_caller.h"
#include "control/tls/tls_contexts.h"
#include "control/tls/tls_memory.h"
#include "control/tls/tls_tickets.h"
#include "dataplane/handoff/settings.h"
#include "dataplane/tls/tls_record.h"
#include "tests/tls/server_context.h"

enum { ROUNDS = 8, BYTES = 16384, FLIGHT = 16384 };

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "measure_tls: %s failed\n", what);
    exit(1);
}

/* Work done and how long it took. */
struct tally {
    uint64_t count, ns;
};

/* ---- handshakes ---- */

/* What both sides of the measurement use of one key. */
struct contexts {
    SSL_CTX *bare, *ours;
    struct tls_contexts *engine;
    struct tls_tickets *tickets;
};

static char *write_file(char *path, EVP_PKEY *key, X509 *certificate)
{
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    require(file && (key ? PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL)
                         : PEM_write_X509(file, certificate)) == 1,
            "writing a file");
    fclose(file);
    return path;
}

/* As the engine has them: of a configuration with one listener and one certificate. */
static void make_contexts(struct contexts *c, EVP_PKEY *key)
{
    char certificate_path[] = "/tmp/measure_tls.XXXXXX", key_path[] = "/tmp/measure_tls.XXXXXX";
    char none[] = "", text[1024];
    struct writer why = writer_of(text, sizeof(text));
    struct config_certificate certificate = {.passphrase = none, .ocsp = none, .set = none};
    struct config_listener listener = {.port = 465, .tls = LISTENER_IMPLICIT};
    static struct config config;

    EVP_PKEY_up_ref(key);
    c->bare = server_context(key);
    require(c->bare, "a context");
    certificate.key = write_file(key_path, key, NULL);
    certificate.certificate = write_file(certificate_path, NULL, SSL_CTX_get0_certificate(c->bare));
    config.tls = (struct config_tls){.certificates = &certificate,
                                     .certificates_count = 1,
                                     .profile = CONFIG_TLS_INTERMEDIATE,
                                     .ticket_keys = none,
                                     .ticket_rotation = INT64_C(3600000000),
                                     .client_ca = none};
    config.listeners = &listener;
    config.listeners_count = 1;
    c->tickets = tls_tickets_new();
    require(c->tickets && tls_tickets_set(c->tickets, &config.tls, &why), "tickets");
    c->engine = tls_contexts_new(&config, c->tickets, &why);
    require(c->engine, "the engine's contexts");
    c->ours = tls_contexts_find(c->engine, listener.port);
    unlink(key_path);
    unlink(certificate_path);
    EVP_PKEY_free(key);
}

static void free_contexts(struct contexts *c)
{
    SSL_CTX_free(c->bare);
    tls_contexts_free(c->engine);
    tls_tickets_free(c->tickets);
}

/* A server's side, ours or OpenSSL alone; what comes out of it is copied, since it goes back in. */
struct side {
    struct tls_handshake *ours;
    SSL *bare;
    BIO *in, *out;
    uint8_t bytes[FLIGHT];
    size_t len;
};

__attribute__((noinline)) static void begin(struct side *s, SSL_CTX *context, bool ours)
{
    *s = (struct side){.ours = ours ? tls_handshake_new(context) : NULL};
    if (ours)
        return;
    s->bare = SSL_new(context);
    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(s->in, -1);
    SSL_set_bio(s->bare, s->in, s->out);
    SSL_set_accept_state(s->bare);
}

__attribute__((noinline)) static bool feed(struct side *s, struct span in)
{
    struct span out;
    uint32_t taken;
    bool over;

    if (s->ours) {
        over = tls_handshake_feed(s->ours, in, &out, &taken) == TLS_STEP_DONE;
        memcpy(s->bytes, out.data, out.len);
        s->len = out.len;
        return over;
    }
    BIO_write(s->in, in.data, (int)in.len);
    over = SSL_do_handshake(s->bare) == 1;
    s->len = (size_t)BIO_read(s->out, s->bytes, FLIGHT);
    return over;
}

__attribute__((noinline)) static void end(struct side *s)
{
    tls_handshake_free(s->ours);
    SSL_free(s->bare);
}

/* The tickets behind the end, record by record. */
static void listen(struct tls_attempt *client, struct span records)
{
    while (tls_attempt_listens(client) && records.len > TLS_HEADER) {
        size_t len = tls_record_length(records.data);

        tls_attempt_listen(client, span_head(records, len));
        records = span_skip(records, len);
    }
}

/* One handshake; what the server's side took is added. */
static void shake(SSL_CTX *context, struct tls_caller *caller, bool ours, bool resume,
                  struct tally *t)
{
    struct tls_attempt *client = tls_caller_begin(caller, resume);
    struct span out;
    struct side server = {0};
    uint64_t before = now();
    uint32_t taken;
    enum tls_step step;
    bool over = false;

    begin(&server, context, ours);
    t->ns += now() - before;
    step = tls_attempt_feed(client, span_of(NULL, 0), &out, &taken);
    while (!over && step != TLS_STEP_FAILED) {
        before = now();
        over = feed(&server, out);
        t->ns += now() - before;
        if (step == TLS_STEP_MORE)
            step = tls_attempt_feed(client, span_of(server.bytes, server.len), &out, &taken);
    }
    require(over && step == TLS_STEP_DONE, "a handshake");
    require(!resume || tls_attempt_outcome(client)->resumed, "resuming");
    listen(client, span_of(server.bytes, server.len));
    before = now();
    end(&server);
    t->ns += now() - before;
    t->count++;
    tls_attempt_free(client);
}

static void shake_for(const struct contexts *c, struct tls_caller *const callers[2], bool resume,
                      uint64_t ns)
{
    struct tally tallies[2] = {{0}};

    for (int round = 0; round < 2 * ROUNDS; round++) {
        struct tally *t = &tallies[round % 2];
        uint64_t until = t->ns + ns / ROUNDS;

        do
            shake(round % 2 ? c->ours : c->bare, callers[round % 2], round % 2, resume, t);
        while (t->ns < until);
    }
    for (int i = 0; i < 2; i++)
        printf(" %s %.1f us", i ? "tls_handshake" : "SSL_do_handshake",
               (double)tallies[i].ns / (double)tallies[i].count / 1e3);
    printf("\n");
}

/* One that has been given a ticket. */
static struct tls_caller *caller_of(SSL_CTX *context, bool ours)
{
    char text[256];
    struct writer why = writer_of(text, sizeof(text));
    struct tls_caller_options options = {.version = TLS_VERSION_1_3, .resumes = true};
    struct tls_caller *caller = tls_caller_new(&options, &why);
    struct tally first = {0};

    require(caller, "the client");
    shake(context, caller, ours, false, &first);
    return caller;
}

static void measure_handshakes(const char *name, EVP_PKEY *key, uint64_t ns)
{
    struct contexts c;
    struct tls_caller *callers[2];

    make_contexts(&c, key);
    callers[0] = caller_of(c.bare, false);
    callers[1] = caller_of(c.ours, true);
    for (int resume = 0; resume < 2; resume++) {
        printf("%s %s:", name, resume ? "resumed" : "full");
        shake_for(&c, callers, resume, ns);
    }
    tls_caller_free(callers[0]);
    tls_caller_free(callers[1]);
    free_contexts(&c);
}

static int count_handshakes(bool ours, bool resume, uint64_t count)
{
    struct contexts c;
    struct tls_caller *caller;
    struct tally t = {0};

    make_contexts(&c, EVP_EC_gen("P-256"));
    caller = caller_of(ours ? c.ours : c.bare, ours);
    while (t.count < count)
        shake(ours ? c.ours : c.bare, caller, ours, resume, &t);
    printf("%s %s: %.1f us\n", ours ? "ours" : "bare", resume ? "resumed" : "full",
           (double)t.ns / (double)t.count / 1e3);
    tls_caller_free(caller);
    free_contexts(&c);
    return 0;
}

/* ---- records ---- */

struct bulk {
    struct tls_crypto *crypto;
    struct tls_record record;
    EVP_CIPHER_CTX *seal, *open;
    uint8_t plain[BYTES], tag[TLS_TAG];
    uint8_t sealed[BYTES + TLS_SEAL_ROOM], bare[BYTES], room[TLS_SEALED_MAX];
    size_t len;
};

static void seal_bare(struct bulk *b)
{
    uint8_t iv[TLS_IV] = {1};
    int n;

    EVP_EncryptInit_ex(b->seal, NULL, NULL, NULL, iv);
    EVP_EncryptUpdate(b->seal, b->bare, &n, b->plain, BYTES);
    EVP_EncryptFinal_ex(b->seal, b->bare + n, &n);
    EVP_CIPHER_CTX_ctrl(b->seal, EVP_CTRL_AEAD_GET_TAG, TLS_TAG, b->tag);
}

static void open_bare(struct bulk *b)
{
    uint8_t iv[TLS_IV] = {1};
    int n;

    EVP_DecryptInit_ex(b->open, NULL, NULL, NULL, iv);
    EVP_DecryptUpdate(b->open, b->room, &n, b->bare, BYTES);
    EVP_CIPHER_CTX_ctrl(b->open, EVP_CTRL_AEAD_SET_TAG, TLS_TAG, b->tag);
    require(EVP_DecryptFinal_ex(b->open, b->room + n, &n) == 1, "opening");
}

static void seal_ours(struct bulk *b)
{
    b->record.write.way.sequence = 0;
    b->len = tls_record_seal(&b->record, b->crypto, TLS_APPLICATION_DATA, span_of(b->plain, BYTES),
                             b->sealed);
}

static void open_ours(struct bulk *b)
{
    struct span plain;
    uint8_t type;

    require(tls_record_open(&b->record, b->crypto, span_of(b->sealed, b->len), b->room, &type,
                            &plain) == TLS_OPENED,
            "opening a record");
}

static double gigabits(void (*work)(struct bulk *b), struct bulk *b, uint64_t ns)
{
    uint64_t began = now(), count = 0;

    while (now() - began < ns)
        for (int i = 0; i < 16; i++, count++)
            work(b);
    return (double)count * BYTES * 8 / (double)(now() - began);
}

static void measure_bulk(const char *name, uint16_t suite, const EVP_CIPHER *cipher, uint64_t ns)
{
    static struct bulk b;
    static void (*const works[])(struct bulk * b) = {seal_bare, seal_ours, open_bare, open_ours};
    struct tls_keys keys = {.version = TLS_VERSION_1_3, .suite = suite};
    uint8_t key[TLS_KEY_MAX] = {0};
    double sums[4] = {0};

    b.crypto = tls_crypto_new();
    b.seal = EVP_CIPHER_CTX_new();
    b.open = EVP_CIPHER_CTX_new();
    require(b.crypto && tls_record_init(&b.record, b.crypto, &keys), "the record layer");
    EVP_EncryptInit_ex(b.seal, cipher, NULL, key, NULL);
    EVP_DecryptInit_ex(b.open, cipher, NULL, key, NULL);
    for (int i = 0; i < 4 * ROUNDS; i++)
        sums[i % 4] += gigabits(works[i % 4], &b, ns / ROUNDS) / ROUNDS;
    printf("%s seal: EVP %.1f Gbit/s tls_record %.1f Gbit/s\n", name, sums[0], sums[1]);
    printf("%s open: EVP %.1f Gbit/s tls_record %.1f Gbit/s\n", name, sums[2], sums[3]);
    EVP_CIPHER_CTX_free(b.seal);
    EVP_CIPHER_CTX_free(b.open);
    tls_crypto_free(b.crypto);
}

int main(int argc, char **argv)
{
    uint64_t ns = argc == 2 ? strtoull(argv[1], NULL, 10) * 1000000 : 0;

    require(tls_memory_count(), "counting memory, as the engine does");
    if (argc == 5 && strcmp(argv[1], "count") == 0)
        return count_handshakes(strcmp(argv[2], "ours") == 0, strcmp(argv[3], "resumed") == 0,
                                strtoull(argv[4], NULL, 10));
    if (ns == 0) {
        fprintf(stderr, "measure_tls MILLISECONDS | count bare|ours full|resumed HANDSHAKES\n");
        return 2;
    }
    measure_handshakes("P-256", EVP_EC_gen("P-256"), ns);
    measure_handshakes("RSA-2048", EVP_RSA_gen(2048), ns);
    measure_bulk("AES-128-GCM", 0x1301, EVP_aes_128_gcm(), ns);
    measure_bulk("AES-256-GCM", 0x1302, EVP_aes_256_gcm(), ns);
    return 0;
}
