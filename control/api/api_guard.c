/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_guard.h"

#include <stdlib.h>
#include <sys/random.h>

#include "control/base/clock.h"
#include "control/service/ban_list.h"

struct api_guard {
    struct store *store;
    struct policy *policy;
    pthread_mutex_t lock; /* of the next */
    struct login_guard *logins;
};

struct api_guard *api_guard_new(struct ctl_mail *mail, const struct config *config)
{
    struct api_guard *g = calloc(1, sizeof(*g));
    uint8_t secret[16];

    if (g && getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret))
        g->logins = login_guard_new(secret);
    if (!g || !g->logins) {
        free(g);
        return NULL;
    }
    g->store = mail->store;
    g->policy = mail->policy;
    pthread_mutex_init(&g->lock, NULL);
    api_guard_apply(g, config);
    return g;
}

void api_guard_free(struct api_guard *g)
{
    if (!g)
        return;
    pthread_mutex_destroy(&g->lock);
    login_guard_free(g->logins);
    free(g);
}

void api_guard_apply(struct api_guard *g, const struct config *config)
{
    struct login_guard_limits limits = login_guard_configured(config);

    limits.login_ms = 0;
    pthread_mutex_lock(&g->lock);
    login_guard_limit(g->logins, &limits);
    pthread_mutex_unlock(&g->lock);
}

static bool is_loopback(const struct ip_address *a)
{
    static const uint8_t v6[16] = {[15] = 1};

    return ip_address_is_v4(a) ? a->bytes[12] == 127 : memcmp(a->bytes, v6, sizeof(v6)) == 0;
}

bool api_guard_bans(struct api_guard *g, const struct ip_address *client)
{
    return !is_loopback(client) &&
           ban_list_has(policy_bans(g->policy), client, clock_monotonic_ms());
}

static struct span token_of(struct span credentials)
{
    struct span scheme = span_text("Bearer "), token = {0};

    if (span_equal_nocase(span_head(credentials, scheme.len), scheme))
        token = span_skip(credentials, scheme.len);
    while (token.len && token.data[0] == ' ')
        token = span_skip(token, 1);
    return token;
}

static enum api_verdict count_wrong(struct api_guard *g, const struct ip_address *client,
                                    uint32_t *wait_ms_out)
{
    uint64_t now = clock_monotonic_ms();
    struct span nobody = {0};
    bool admitted;

    pthread_mutex_lock(&g->lock);
    admitted = login_guard_admit(g->logins, client, nobody, now);
    if (admitted)
        *wait_ms_out = login_guard_wrong(g->logins, client, nobody, now);
    pthread_mutex_unlock(&g->lock);
    if (!is_loopback(client))
        ban_list_failure(policy_bans(g->policy), client, now);
    return admitted ? API_TOKEN_WRONG : API_TOKEN_THROTTLED;
}

enum api_verdict api_guard_judge(struct api_guard *g, struct span credentials,
                                 const struct ip_address *client, uint8_t *memory,
                                 struct api_call *call, uint32_t *wait_ms_out)
{
    struct span token = token_of(credentials);
    enum store_status status;

    *wait_ms_out = 0;
    if (!token.len)
        return API_TOKEN_MISSING;
    status = token_check(g->store, token, clock_wall_ms(), memory, &call->token);
    if (status == STORE_NONE)
        return count_wrong(g, client, wait_ms_out);
    if (status != STORE_OK)
        return API_TOKEN_UNKNOWN;
    snprintf(call->name, sizeof(call->name), "%.*s", (int)span_find(token, '.'),
             (const char *)token.data);
    return API_TOKEN_GOOD;
}
