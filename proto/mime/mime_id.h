/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_ID_H
#define PROTO_MIME_MIME_ID_H

#include "proto/base/span.h"

/*
 * Takes the next id of a field that holds them (Message-ID, In-Reply-To, References, Content-ID;
 * RFC 5322 section 3.6.4) off *value: what stands between brackets, as it stands. Comments, quoted
 * phrases (section 4.5.4) and empty brackets are passed over. A value without any bracket is one
 * id, which breaks the grammar and is written; `first` says that nothing was taken yet. False when
 * there is none left. One pass in all.
 */
bool mime_id_next(struct span *value, bool first, struct span *id_out);

#endif
