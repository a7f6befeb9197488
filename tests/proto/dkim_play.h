/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_PROTO_DKIM_PLAY_H
#define TESTS_PROTO_DKIM_PLAY_H

#include "proto/dkim/dkim_message.h"
#include "proto/dkim/dkim_set.h"
#include "proto/dkim/dkim_sign.h"

/* Keys of a test, made when they are first asked for; the text that DNS would have of one. */
enum dkim_play_key { DKIM_PLAY_RSA, DKIM_PLAY_ED25519, DKIM_PLAY_RSA_SHORT, DKIM_PLAY_KEYS };
const struct dkim_signer *dkim_play_signer(enum dkim_play_key key);
const char *dkim_play_record(enum dkim_play_key key);

/* An answer with one TXT record. Valid until the next one. */
struct dns_answer dkim_play_answer(const char *text);

/* Passes a text through a message, whose header is put into memory of its own. */
typedef void dkim_play_wants(void *context);
void dkim_play_pass(struct dkim_message *m, struct span text, dkim_play_wants *wants,
                    void *context);

/* Writes the text with a signature before it. False: none could be made. */
bool dkim_play_sign(struct writer *w, const struct dkim_sign_order *order, enum dkim_play_key key,
                    struct span text);

#endif
