/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_COMMAND_H
#define CONTROL_TAP_TAP_COMMAND_H

#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/tap_source.h"

/* `wirepost tap`: captures or live ports in, events out. */
#define TAP_COMMAND_HELP                                                                           \
    "Rebuilds the mail connections in captures (pcap and pcapng, also compressed with gzip or\n"   \
    "zstd; - for standard input), or on the ports of a configuration, and writes what goes by "    \
    "as\n"                                                                                         \
    "JSON, one event a line.\n"                                                                    \
    "docs/tap-events.md names the events, docs/tap.md how connections are put together.\n"         \
    "\n"                                                                                           \
    "Live, until SIGTERM, SIGINT or `wirepost ctl stop`; frames for anybody are taken in, and\n"   \
    "nothing is sent:\n"                                                                           \
    "\n"                                                                                           \
    "  -c, --config FILE   a configuration with `role: tap`, see docs/configuration.md\n"          \
    "\n"                                                                                           \
    "Captures; without root and without a configuration:\n"                                        \
    "\n"                                                                                           \
    "      --pcap FILE...  the captures, merged by the times of their frames; more than 64 are "   \
    "read\n"                                                                                       \
    "                      one after the other\n"                                                  \
    "      --json FILE     where the events go, - for standard output\n"                           \
    "      --extract DIR   write messages and the parts in them there, named by their SHA-256\n"   \
    "      --streams DIR   write both directions of every connection there, put together, as\n"    \
    "                      CONNECTION.client and CONNECTION.server; passwords stand in them\n"     \
    "      --keylog FILE   what opens TLS, as SSLKEYLOGFILE makes it: what is said in it is read " \
    "like\n"                                                                                       \
    "                      what is in the clear\n"                                                 \
    "      --policy NAME   who receives: linux, first, last, bsd or windows; what is taken "       \
    "where\n"                                                                                      \
    "                      bytes overlap and differ; left out: linux\n"                            \
    "      --ignore-checksums\n"                                                                   \
    "                      take packets and segments with wrong checksums for good ones\n"         \
    "      --rules FILE    judge messages by these rules; once for each file\n"                    \
    "      --commands      tell every command and reply\n"                                         \
    "      --show-secrets  ... with passwords, which are left out otherwise\n"

/* The configuration of `-c FILE` or `--config FILE`, when that is all there is; else NULL. */
const char *tap_command_config(int count, char **words);
/* Takes the words behind the command's name. Returns an exit status: 0, 1 when a capture could not
 * be read to its end or something could not be written, 2 when a word is wrong. */
int tap_command(bool (*tap)(struct handoff *handoff, const struct tap_source *source), int count,
                char **words);

#endif
