/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oauth/oauth_issuer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/config/config_settings.h"
#include "control/log/log.h"
#include "control/oauth/jwks.h"
#include "control/oauth/oauth_cache.h"

enum { SECRET_MAX = 1024, URL_MAX = 1024, FILE_MAX = OAUTH_BODY_MAX };

struct oauth_issuer {
    struct config_issuer config; /* its texts are our own */
    struct oauth_issuer_times times;
    struct oauth_cache *cache;
    char discovery[512];
    char secret[SECRET_MAX];
    pthread_mutex_t fetching; /* one at a time; taken before the next */
    pthread_mutex_t lock;     /* of all below */
    struct jwks *keys;        /* NULL: none yet */
    uint64_t keys_ms;         /* when they came, monotonic */
    uint64_t failed_ms;       /* when the last fetch has failed; 0: it has not */
};

/* ---- making ---- */

static bool copy_text(char **text)
{
    return (*text = strdup(*text)) != NULL;
}

static bool copy_list(char ***list, uint32_t count)
{
    char **copy = calloc((size_t)count + 1, sizeof(*copy));
    bool ok = copy != NULL;

    for (uint32_t i = 0; ok && i < count; i++) {
        copy[i] = strdup((*list)[i]);
        ok = copy[i] != NULL;
    }
    *list = copy;
    return ok;
}

/* Every pointer is our own afterwards, or NULL. */
static bool copy_config(struct config_issuer *c)
{
    char **texts[] = {&c->issuer,        &c->claim,     &c->domain,        &c->keys, &c->discovery,
                      &c->introspection, &c->client_id, &c->client_secret, &c->ca};
    bool ok = true;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ok &= copy_text(texts[i]);
    ok &= copy_list(&c->audience, c->audience_count);
    ok &= copy_list(&c->scope, c->scope_count);
    return ok & copy_list(&c->algorithms, c->algorithms_count);
}

static void free_list(char **list, uint32_t count)
{
    for (uint32_t i = 0; list && i < count; i++)
        free(list[i]);
    free(list);
}

static void free_config(struct config_issuer *c)
{
    char *texts[] = {c->issuer,        c->claim,     c->domain,        c->keys, c->discovery,
                     c->introspection, c->client_id, c->client_secret, c->ca};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    free_list(c->audience, c->audience_count);
    free_list(c->scope, c->scope_count);
    free_list(c->algorithms, c->algorithms_count);
}

static bool read_secret(struct oauth_issuer *s, struct writer *why)
{
    const char *path = s->config.client_secret;
    FILE *file = path[0] ? fopen(path, "re") : NULL;

    if (!path[0])
        return true;
    if (!file || !fgets(s->secret, sizeof(s->secret), file)) {
        writer_printf(why, "oauth.issuers[].client_secret: %s cannot be read\n", path);
        if (file)
            fclose(file);
        return false;
    }
    fclose(file);
    s->secret[strcspn(s->secret, "\r\n")] = 0;
    return true;
}

struct oauth_issuer *oauth_issuer_new(const struct config_issuer *config,
                                      const struct oauth_issuer_times *times, struct writer *why)
{
    struct oauth_issuer *s = calloc(1, sizeof(*s));
    struct writer discovery;

    if (!s)
        return NULL;
    s->config = *config;
    s->times = *times;
    pthread_mutex_init(&s->fetching, NULL);
    pthread_mutex_init(&s->lock, NULL);
    if (!copy_config(&s->config)) {
        oauth_issuer_free(s);
        return NULL;
    }
    discovery = writer_of(s->discovery, sizeof(s->discovery) - 1);
    config_oauth_discovery(config, &discovery);
    s->cache = oauth_cache_new(config->introspection[0] ? times->cache : 0);
    if (s->cache && read_secret(s, why))
        return s;
    oauth_issuer_free(s);
    return NULL;
}

void oauth_issuer_free(struct oauth_issuer *s)
{
    if (!s)
        return;
    oauth_cache_free(s->cache);
    free_config(&s->config);
    jwks_free(s->keys);
    pthread_mutex_destroy(&s->fetching);
    pthread_mutex_destroy(&s->lock);
    explicit_bzero(s->secret, sizeof(s->secret));
    free(s);
}

bool oauth_issuer_is(const struct oauth_issuer *s, struct span name)
{
    return name.data && span_equal(name, span_text(s->config.issuer));
}

bool oauth_issuer_introspects(const struct oauth_issuer *s)
{
    return s->config.introspection[0] != 0;
}

/* ---- keys ---- */

static struct span read_file(const char *path, uint8_t *memory, char why[256])
{
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(memory, 1, FILE_MAX, file) : 0;

    if (file)
        fclose(file);
    if (n)
        return span_of(memory, n);
    snprintf(why, 256, "it cannot be read");
    return span_of(NULL, 0);
}

static struct span get(const struct oauth_issuer *s, struct oauth_http *http, const char *url,
                       char why[256])
{
    return oauth_http_ask(
        http,
        &(struct oauth_request){.url = url, .ca = s->config.ca, .timeout_ms = s->times.timeout_ms},
        why);
}

/* The document must be of the issuer that it was fetched for (OpenID Connect Discovery
 * section 4.3).
 */
static bool discover(const struct oauth_issuer *s, struct oauth_http *http, char url[URL_MAX],
                     char why[256])
{
    struct span text = get(s, http, s->discovery, why), keys;
    json_t *document = jwt_json(text);
    bool found;

    if (!text.data)
        return false;
    keys = jwt_text(document, "jwks_uri");
    found = oauth_issuer_is(s, jwt_text(document, "issuer")) && keys.len && keys.len < URL_MAX &&
            span_find(keys, 0) < 0 &&
            (span_equal(span_head(keys, 8), span_text("https://")) ||
             span_equal(span_head(span_text(s->discovery), 7), span_text("http://")));
    snprintf(url, URL_MAX, "%.*s", (int)keys.len, found ? (const char *)keys.data : "");
    if (!found)
        snprintf(why, 256, "the discovery document is not of this issuer, or names no keys");
    json_decref(document);
    return found;
}

static struct jwks *fetch(const struct oauth_issuer *s, struct oauth_http *http)
{
    const char *from = s->config.keys;
    uint8_t *memory = from[0] == '/' ? malloc(FILE_MAX) : NULL;
    char url[URL_MAX], why[256] = "no memory";
    struct jwks *keys = NULL;
    struct span text = span_of(NULL, 0);

    if (from[0] == '/')
        text = memory ? read_file(from, memory, why) : text;
    else if (from[0] || discover(s, http, url, why))
        text = get(s, http, from[0] ? from : url, why);
    if (text.data) {
        keys = jwks_read(text);
        snprintf(why, sizeof(why), "they are no JWK set");
    }
    free(memory);
    if (!keys)
        LOG(WARNING, "oauth: no keys of %s: %s", s->config.issuer, why);
    else
        LOG(INFO, "oauth: %u keys of %s", jwks_count(keys), s->config.issuer);
    return keys;
}

static bool is_recent(uint64_t then_ms, uint64_t now_ms, uint32_t for_ms)
{
    return then_ms && now_ms - then_ms < for_ms;
}

/* Fetches keys unless some came since `seen_ms`. False: there are none newer. */
static bool renew(struct oauth_issuer *s, struct oauth_http *http, uint64_t seen_ms)
{
    struct jwks *keys, *before;
    bool newer, wait;

    pthread_mutex_lock(&s->fetching);
    pthread_mutex_lock(&s->lock);
    newer = s->keys_ms != seen_ms;
    wait = is_recent(s->failed_ms, clock_monotonic_ms(), s->times.timeout_ms);
    pthread_mutex_unlock(&s->lock);
    if (!newer && !wait) {
        keys = fetch(s, http);
        pthread_mutex_lock(&s->lock);
        before = keys ? s->keys : NULL;
        if (keys) {
            s->keys = keys;
            s->keys_ms = clock_monotonic_ms();
        }
        s->failed_ms = keys ? 0 : clock_monotonic_ms();
        newer = keys != NULL;
        pthread_mutex_unlock(&s->lock);
        jwks_free(before);
    }
    pthread_mutex_unlock(&s->fetching);
    return newer;
}

/* *seen_out: when the keys had come that it was tried with; 0: there are none in force. */
static enum jwks_verdict try_keys(struct oauth_issuer *s, const struct jwt *jwt, uint64_t *seen_out,
                                  bool *fresh_out)
{
    enum jwks_verdict verdict = JWKS_UNKNOWN;

    pthread_mutex_lock(&s->lock);
    *seen_out = s->keys_ms;
    *fresh_out = is_recent(s->keys_ms, clock_monotonic_ms(), s->times.key_lifetime_ms);
    if (*fresh_out)
        verdict = jwks_verify(s->keys, jwt);
    pthread_mutex_unlock(&s->lock);
    return verdict;
}

/* GOOD: the signature is right. A key that is not known is looked for, unless that was just done:
 * then nobody can say, since it may have been published a moment ago. */
static enum oauth_verdict check_signature(struct oauth_issuer *s, const struct jwt *jwt,
                                          struct oauth_http *http)
{
    static const uint8_t verdicts[] = {
        [JWKS_RIGHT] = OAUTH_GOOD, [JWKS_WRONG] = OAUTH_WRONG, [JWKS_UNKNOWN] = OAUTH_WRONG};
    uint64_t seen_ms;
    bool fresh;
    enum jwks_verdict verdict = try_keys(s, jwt, &seen_ms, &fresh);

    if (verdict != JWKS_UNKNOWN)
        return (enum oauth_verdict)verdicts[verdict];
    if (fresh && is_recent(seen_ms, clock_monotonic_ms(), s->times.key_refetch_ms))
        return OAUTH_UNKNOWN;
    if (!http)
        return OAUTH_WAITS;
    if (!renew(s, http, seen_ms))
        return OAUTH_UNKNOWN;
    verdict = try_keys(s, jwt, &seen_ms, &fresh);
    return fresh ? (enum oauth_verdict)verdicts[verdict] : OAUTH_UNKNOWN;
}

static bool takes_algorithm(const struct oauth_issuer *s, uint8_t algorithm)
{
    const struct config_issuer *c = &s->config;
    const char *name = jwt_algorithm_name((enum jwt_algorithm)algorithm);
    bool takes = c->algorithms_count == 0;

    for (uint32_t i = 0; i < c->algorithms_count; i++)
        takes |= strcmp(c->algorithms[i], name) == 0;
    return takes;
}

/* ---- introspection ---- */

static double wall_seconds(void)
{
    return (double)clock_wall_ms() / 1000;
}

static struct span introspect(const struct oauth_issuer *s, struct span token,
                              struct oauth_http *http, char why[256])
{
    static const char before[] = "token_type_hint=access_token&token=";
    char *escaped = oauth_http_escape(http, token);
    char *id = oauth_http_escape(http, span_text(s->config.client_id));
    char *secret = oauth_http_escape(http, span_text(s->secret));
    size_t size = sizeof(before) + (escaped ? strlen(escaped) : 0);
    char *form = malloc(size);
    struct span answer = span_of(NULL, 0);

    snprintf(why, 256, "no memory");
    if (escaped && id && secret && form) {
        snprintf(form, size, "%s%s", before, escaped);
        /* RFC 6749 section 2.3.1: name and secret are encoded as in a form first. */
        answer = oauth_http_ask(http,
                                &(struct oauth_request){.url = s->config.introspection,
                                                        .ca = s->config.ca,
                                                        .form = form,
                                                        .user = id[0] ? id : NULL,
                                                        .password = secret,
                                                        .timeout_ms = s->times.timeout_ms},
                                why);
    }
    if (form)
        explicit_bzero(form, size);
    free(form);
    oauth_http_give(escaped);
    oauth_http_give(id);
    oauth_http_give(secret);
    return answer;
}

static void remember(struct oauth_issuer *s, struct span token, struct span identity, double end)
{
    double left_ms = (end - wall_seconds()) * 1000;
    uint64_t keep_ms = s->times.cache_ms;

    if (left_ms < (double)keep_ms)
        keep_ms = left_ms > 0 ? (uint64_t)left_ms : 0;
    if (keep_ms)
        oauth_cache_put(s->cache, token, identity, clock_monotonic_ms() + keep_ms);
}

/* RFC 7662 section 2.2: `active` is all that must be there. */
static enum oauth_verdict ask(struct oauth_issuer *s, struct span token, struct oauth_http *http,
                              struct writer *identity)
{
    struct oauth_claims_rule rule = {
        .issuer = &s->config, .now = wall_seconds(), .skew = s->times.skew, .asked = true};
    enum oauth_verdict verdict = OAUTH_UNKNOWN;
    char why[256];
    json_t *answer = jwt_json(introspect(s, token, http, why));
    const json_t *active = json_object_get(answer, "active");
    double end = 0;

    if (json_is_true(active))
        verdict = oauth_claims_check(&rule, answer, identity, &end);
    else if (json_is_false(active))
        verdict = OAUTH_WRONG;
    else
        LOG(WARNING, "oauth: %s does not say what a token is: %s", s->config.issuer,
            answer ? "no \"active\"" : why);
    if (verdict == OAUTH_GOOD)
        remember(s, token, writer_span(identity), end);
    json_decref(answer);
    return verdict;
}

/* ---- a token ---- */

enum oauth_verdict oauth_issuer_check(struct oauth_issuer *s, struct span token,
                                      const struct jwt *jwt, struct oauth_http *http,
                                      struct writer *identity)
{
    struct oauth_claims_rule rule = {
        .issuer = &s->config, .now = wall_seconds(), .skew = s->times.skew};
    enum oauth_verdict verdict;
    double end;

    if (oauth_issuer_introspects(s)) {
        if (oauth_cache_find(s->cache, token, clock_monotonic_ms(), identity))
            return OAUTH_GOOD;
        return http ? ask(s, token, http, identity) : OAUTH_WAITS;
    }
    if (!takes_algorithm(s, jwt->algorithm))
        return OAUTH_WRONG;
    /* What an expired token is signed with nobody has to fetch. Whether it was this issuer's own is
     * only known behind the signature, so that comes before what is said of it. */
    verdict = oauth_claims_check(&rule, jwt->claims, identity, &end);
    if (verdict == OAUTH_WRONG)
        return OAUTH_WRONG;
    switch (check_signature(s, jwt, http)) {
    case OAUTH_GOOD:
        return verdict;
    case OAUTH_WAITS:
        return OAUTH_WAITS;
    case OAUTH_UNKNOWN:
        return OAUTH_UNKNOWN;
    default:
        return OAUTH_WRONG;
    }
}
