/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libopendkim at work on many messages: a peer for the tests of signatures, built by them.
 *
 *   verify KEYS FILE...                                  a line for each: the file, then each
 *                                                        signature's "algorithm good" or "bad"
 *   sign rsa|ed25519 HEADER/BODY KEY SELECTOR DOMAIN FILE...  FILE.signed for each
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <opendkim/dkim.h>

static unsigned char data[1 << 22];

static size_t read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(data, 1, sizeof(data) - 1, file) : 0;

    if (!file)
        exit(2);
    fclose(file);
    data[n] = 0;
    return n;
}

/* As a milter does: dkim_chunk() takes no message without a body. */
static DKIM_STAT pass(DKIM *dkim, size_t len)
{
    unsigned char *at = data, *end = data + len;
    DKIM_STAT stat = DKIM_STAT_OK;

    while (stat == DKIM_STAT_OK && at < end && at[0] != '\r') {
        unsigned char *line = at;

        do
            line = (unsigned char *)strstr((char *)line, "\r\n") + 2;
        while (line < end && (line[0] == ' ' || line[0] == '\t'));
        stat = dkim_header(dkim, at, (size_t)(line - at) - 2);
        at = line;
    }
    if (stat == DKIM_STAT_OK)
        stat = dkim_eoh(dkim);
    at += 2;
    if (stat == DKIM_STAT_OK && at < end)
        stat = dkim_body(dkim, at, (size_t)(end - at));
    return stat == DKIM_STAT_OK ? dkim_eom(dkim, NULL) : stat;
}

static void verify(DKIM_LIB *lib, const char *path)
{
    size_t len = read_file(path);
    DKIM_STAT stat;
    DKIM *dkim = dkim_verify(lib, (unsigned char *)"id", NULL, &stat);
    DKIM_SIGINFO **signatures = NULL;
    int count = 0;

    pass(dkim, len);
    printf("%s", path);
    if (dkim_getsiglist(dkim, &signatures, &count) == DKIM_STAT_OK)
        for (int i = 0; i < count; i++) {
            dkim_alg_t algorithm = -1;
            bool good;

            dkim_sig_process(dkim, signatures[i]);
            good = (dkim_sig_getflags(signatures[i]) & DKIM_SIGFLAG_PASSED) &&
                   dkim_sig_getbh(signatures[i]) == DKIM_SIGBH_MATCH;
            dkim_sig_getsignalg(signatures[i], &algorithm);
            printf(" %d%s", algorithm, good ? "good" : "bad");
        }
    printf("\n");
    dkim_free(dkim);
}

static void sign(DKIM_LIB *lib, char **words, const char *key, const char *path)
{
    unsigned char *field = NULL;
    size_t len = read_file(path), size = 0;
    dkim_alg_t algorithm =
        strcmp(words[0], "rsa") == 0 ? DKIM_SIGN_RSASHA256 : DKIM_SIGN_ED25519SHA256;
    dkim_canon_t header =
        strncmp(words[1], "simple", 6) == 0 ? DKIM_CANON_SIMPLE : DKIM_CANON_RELAXED;
    dkim_canon_t body =
        strcmp(strchr(words[1], '/'), "/simple") == 0 ? DKIM_CANON_SIMPLE : DKIM_CANON_RELAXED;
    DKIM_STAT stat;
    DKIM *dkim =
        dkim_sign(lib, (unsigned char *)"id", NULL, (dkim_sigkey_t)key, (unsigned char *)words[3],
                  (unsigned char *)words[4], header, body, algorithm, -1, &stat);
    char name[4096];
    FILE *file;

    if (!dkim || pass(dkim, len) != DKIM_STAT_OK ||
        dkim_getsighdr_d(dkim, strlen("DKIM-Signature: "), &field, &size) != DKIM_STAT_OK) {
        fprintf(stderr, "%s: not signed: %s\n", path, dkim ? dkim_geterror(dkim) : "no key");
        exit(1);
    }
    snprintf(name, sizeof(name), "%s.signed", path);
    file = fopen(name, "wb");
    if (!file)
        exit(2);
    fprintf(file, "DKIM-Signature: %s\r\n", (char *)field);
    fwrite(data, 1, len, file);
    fclose(file);
    dkim_free(dkim);
}

int main(int argc, char **argv)
{
    DKIM_LIB *lib = dkim_init(NULL, NULL);
    dkim_query_t method = DKIM_QUERY_FILE;
    static char key[16384];
    FILE *file;

    if (argc > 3 && strcmp(argv[1], "verify") == 0) {
        dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_QUERYMETHOD, &method, sizeof(method));
        dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_QUERYINFO, argv[2], strlen(argv[2]));
        for (int i = 3; i < argc; i++)
            verify(lib, argv[i]);
        return 0;
    }
    if (argc < 8 || strcmp(argv[1], "sign") != 0 || !(file = fopen(argv[4], "rb")))
        return 2;
    key[fread(key, 1, sizeof(key) - 1, file)] = 0;
    fclose(file);
    for (int i = 7; i < argc; i++)
        sign(lib, argv + 2, key, argv[i]);
    return 0;
}
