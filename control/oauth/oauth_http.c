/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oauth/oauth_http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

struct oauth_http {
    CURL *curl;
    size_t len;
    char error[CURL_ERROR_SIZE];
    uint8_t body[OAUTH_BODY_MAX];
};

bool oauth_http_start(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

struct oauth_http *oauth_http_new(void)
{
    struct oauth_http *h = calloc(1, sizeof(*h));

    if (h)
        h->curl = curl_easy_init();
    if (h && h->curl)
        return h;
    free(h);
    return NULL;
}

void oauth_http_free(struct oauth_http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->curl);
    explicit_bzero(h->body, sizeof(h->body));
    free(h);
}

/* Less than what came ends the transfer. */
static size_t take(char *bytes, size_t one, size_t count, void *context)
{
    struct oauth_http *h = context;

    if (count > sizeof(h->body) - h->len)
        return 0;
    memcpy(h->body + h->len, bytes, count);
    h->len += count;
    return one * count;
}

static void set_up(struct oauth_http *h, const struct oauth_request *r)
{
    curl_easy_reset(h->curl);
    curl_easy_setopt(h->curl, CURLOPT_URL, r->url);
    curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(h->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->error);
    curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(h->curl, CURLOPT_USERAGENT, "wirepost");
    curl_easy_setopt(h->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (r->ca[0]) {
        curl_easy_setopt(h->curl, CURLOPT_CAINFO, r->ca);
        /* And with nothing else: left alone, it would be the system's folder beside it. */
        curl_easy_setopt(h->curl, CURLOPT_CAPATH, NULL);
    }
    if (r->form)
        curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, r->form);
    if (r->user) {
        curl_easy_setopt(h->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(h->curl, CURLOPT_USERNAME, r->user);
        curl_easy_setopt(h->curl, CURLOPT_PASSWORD, r->password);
    }
}

struct span oauth_http_ask(struct oauth_http *h, const struct oauth_request *r, char why[256])
{
    long status = 0;
    CURLcode rc;

    h->len = 0;
    h->error[0] = 0;
    set_up(h, r);
    rc = curl_easy_perform(h->curl);
    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
    if (rc == CURLE_OK && status == 200)
        return span_of(h->body, h->len);
    if (rc == CURLE_OK)
        snprintf(why, 256, "status %ld", status);
    else
        snprintf(why, 256, "%s", h->error[0] ? h->error : curl_easy_strerror(rc));
    return span_of(NULL, 0);
}

char *oauth_http_escape(struct oauth_http *h, struct span text)
{
    return curl_easy_escape(h->curl, (const char *)text.data, (int)text.len);
}

void oauth_http_give(char *text)
{
    curl_free(text);
}
