/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tls/tls_certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "control/tls/tls_binding.h"

enum { PASSPHRASE_MAX = 1024, STAPLE_MAX = 65536, CHAIN_MAX = 16 };

/* A line about the certificate in this line of the configuration. */
__attribute__((format(printf, 3, 4))) static bool
refuse(struct writer *why, const struct config_certificate *config, const char *format, ...)
{
    char text[512];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    ERR_clear_error();
    writer_printf(why, "tls.certificates[] in line %u: %s\n", config->line, text);
    return false;
}

static BIO *open_file(const struct config_certificate *config, const char *path, struct writer *why)
{
    BIO *file = BIO_new_file(path, "r");

    if (!file)
        refuse(why, config, "%s cannot be read: %s", path, strerror(errno));
    return file;
}

/* The leaf, then what it was signed with. */
static bool load_chain(struct tls_certificate *c, const struct config_certificate *config,
                       struct writer *why)
{
    BIO *file = open_file(config, config->certificate, why);
    X509 *above;

    if (!file)
        return false;
    c->leaf = PEM_read_bio_X509_AUX(file, NULL, NULL, NULL);
    c->chain = sk_X509_new_null();
    while (c->leaf && c->chain && sk_X509_num(c->chain) < CHAIN_MAX &&
           (above = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL)
        if (sk_X509_push(c->chain, above) <= 0)
            X509_free(above);
    BIO_free(file);
    ERR_clear_error(); /* the end of the file is one */
    return c->leaf && c->chain
               ? true
               : refuse(why, config, "%s has no certificate in PEM", config->certificate);
}

/* The first line of the file. */
static int read_passphrase(const char *path, char out[PASSPHRASE_MAX])
{
    FILE *file = fopen(path, "r");
    bool ok = file && fgets(out, PASSPHRASE_MAX, file);

    if (file)
        fclose(file);
    if (!ok)
        return -1;
    out[strcspn(out, "\r\n")] = 0;
    return (int)strlen(out);
}

/* What opens a key, and whether that was asked for. */
struct opener {
    const char *passphrase; /* NULL: none is there */
    bool asked;
};

/* A pem_password_cb: `user` is a struct opener. */
static int give_passphrase(char *out, int size, int writing, void *user)
{
    struct opener *opener = user;
    size_t len = opener->passphrase ? strlen(opener->passphrase) : 0;

    (void)writing;
    opener->asked = true;
    if (!opener->passphrase || len > (size_t)size)
        return -1;
    memcpy(out, opener->passphrase, len);
    return (int)len;
}

static const char *key_fault(const struct opener *opener)
{
    if (!opener->asked)
        return "has no private key in PEM";
    return opener->passphrase ? "cannot be opened: the passphrase is wrong" : "needs a passphrase";
}

static bool load_key(struct tls_certificate *c, const struct config_certificate *config,
                     struct writer *why)
{
    char passphrase[PASSPHRASE_MAX] = "";
    struct opener opener = {.passphrase = config->passphrase[0] ? passphrase : NULL};
    BIO *file;

    if (config->passphrase[0] && read_passphrase(config->passphrase, passphrase) < 0)
        return refuse(why, config, "passphrase %s cannot be read: %s", config->passphrase,
                      strerror(errno));
    file = open_file(config, config->key, why);
    if (!file)
        return false;
    c->key = PEM_read_bio_PrivateKey(file, NULL, give_passphrase, &opener);
    BIO_free(file);
    explicit_bzero(passphrase, sizeof(passphrase));
    if (!c->key)
        return refuse(why, config, "%s %s", config->key, key_fault(&opener));
    if (X509_check_private_key(c->leaf, c->key) != 1)
        return refuse(why, config, "%s is not the key of %s", config->key, config->certificate);
    return true;
}

static bool check_time(struct tls_certificate *c, const struct config_certificate *config,
                       struct writer *why)
{
    struct tm tm;

    if (X509_cmp_current_time(X509_get0_notBefore(c->leaf)) >= 0)
        return refuse(why, config, "%s is not valid yet", config->certificate);
    if (X509_cmp_current_time(X509_get0_notAfter(c->leaf)) <= 0)
        return refuse(why, config, "%s has expired", config->certificate);
    if (ASN1_TIME_to_tm(X509_get0_notAfter(c->leaf), &tm) != 1)
        return refuse(why, config, "%s has no time of expiry", config->certificate);
    c->expires = (int64_t)timegm(&tm);
    return true;
}

bool tls_certificate_staple(struct tls_certificate *c, BIO *der)
{
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE_bio(der, NULL);
    int len = 0;

    if (response && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        len = i2d_OCSP_RESPONSE(response, &c->staple);
    OCSP_RESPONSE_free(response);
    c->staple_len = len > 0 ? (size_t)len : 0;
    return len > 0 && len < STAPLE_MAX;
}

static bool load_staple(struct tls_certificate *c, const struct config_certificate *config,
                        struct writer *why)
{
    BIO *file;
    bool good;

    if (!config->ocsp[0])
        return true;
    file = open_file(config, config->ocsp, why);
    if (!file)
        return false;
    good = tls_certificate_staple(c, file);
    BIO_free(file);
    return good ? true
                : refuse(why, config, "%s is no successful OCSP response in DER", config->ocsp);
}

bool tls_certificate_load(struct tls_certificate *c, const struct config_certificate *config,
                          struct writer *why)
{
    *c = (struct tls_certificate){.path = OPENSSL_strdup(config->certificate),
                                  .set = OPENSSL_strdup(config->set)};
    if (c->path && c->set && load_chain(c, config, why) && load_key(c, config, why) &&
        check_time(c, config, why) && load_staple(c, config, why)) {
        tls_binding_note(c->leaf);
        return true;
    }
    tls_certificate_fini(c);
    return false;
}

void tls_certificate_fini(struct tls_certificate *c)
{
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    OPENSSL_free(c->staple);
    OPENSSL_free(c->path);
    OPENSSL_free(c->set);
    *c = (struct tls_certificate){0};
}

bool tls_certificate_names(const struct tls_certificate *c, const char *name)
{
    return X509_check_host(c->leaf, name, strlen(name), 0, NULL) == 1;
}
