/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_command.h"

#include "control/tap/tap_command.h"

const struct cli_command cli_commands[] = {
    {"run", "c:h", " config profile help ", "run -c FILE [--profile]",
     "start the engine, in the foreground",
     "Reads the configuration, refuses to start when anything in it is wrong (status 2), and\n"
     "serves until SIGTERM, SIGINT or `wirepost ctl stop`. Log lines go to standard error.\n"
     "\n"
     "  -c, --config FILE   the configuration, see docs/configuration.md\n"
     "      --profile       measure the cycles of every message by itself, not of a sample\n",
     cli_engine_run},
    {"check", "c:h", " config help ", "check -c FILE", "say what is wrong with a configuration",
     "Reads the configuration and the files it names as a start would, and starts nothing. Tells "
     "every\n"
     "fault on a line of its own: file, line, option, what was expected. Status 2 when there is "
     "one.\n"
     "\n"
     "  -c, --config FILE   the configuration to check\n",
     cli_engine_check},
    {"ctl", "c:s:h", " config socket json by why since format subfolders help ",
     "ctl [-s SOCKET | -c FILE] [--json] COMMAND [ARGUMENT...] [--by WHO --why TEXT]",
     "ask or tell the running engine something",
     "  -s, --socket SOCKET the engine's control socket; left out: the default of ctl.socket\n"
     "  -c, --config FILE   take the socket from this configuration\n"
     "      --json          print the answer as the engine gave it, one JSON object on a line\n"
     "      --by WHO        who asks for it, for the audit log; with --why, where a command wants "
     "them\n"
     "      --why TEXT      for what reason\n"
     "      --since AGE     with trace: no older records than, as in 90m or 2d\n"
     "\n"
     "`ctl import ACCOUNT PATH` and `ctl export ACCOUNT PATH` do what the commands `import` and "
     "`export`\n"
     "do, with their options, through the running engine.\n"
     "\n"
     "Commands:\n",
     cli_ctl},
    {"config", "h", " markdown help ", "config --markdown", "print the reference of all options",
     "  --markdown          as docs/configuration.md has it\n", cli_show_config},
    {"mime", "h", " json help ", "mime [--json] FILE...", "show how messages are read",
     "Reads each file (- for standard input) as a message and prints its parts: path, header "
     "fields and\n"
     "parameters decoded to UTF-8, type, offsets, and of each leaf the decoded length and its "
     "SHA-256; what\n"
     "breaks a standard is told by name. docs/mime.md says how each doubt is decided.\n"
     "\n"
     "      --json          one JSON object on a line for each file\n",
     cli_show_mime},
    {"judge", "c:h", " config json help ", "judge -c FILE [--json] [SCOPE=VALUE...] MESSAGE...",
     "say what the rules make of messages",
     "Reads each message (- for standard input) as if it came in now, and prints the verdict, the "
     "score and the\n"
     "rules that hit. Nothing is kept, no engine is asked. docs/rules.md tells more.\n"
     "\n"
     "  -c, --config FILE   the configuration with the rules and the domains\n"
     "      --json          one JSON object on a line for each file\n"
     "\n"
     "SCOPE is one of client.ip, client.name, helo, envelope.mail_from, auth.spf, and once for "
     "each recipient\n"
     "envelope.rcpt_to; without one the first account of the configuration gets the message.\n",
     cli_show_judge},
    {"tap", "h", " help ", "tap -c FILE | tap [OPTION...] --pcap FILE... --json FILE",
     "watch mail on live ports or in captures, and say what goes by", TAP_COMMAND_HELP,
     cli_engine_tap},
    {"blast", "h", " help ",
     "blast --dev IFACE --address ADDRESS/BITS --to ADDRESS:PORT [OPTION...]",
     "load a mail server with sessions, and measure it", NULL, cli_blast_send},
    {"sink", "h", " help ", "sink --dev IFACE --address ADDRESS/BITS [OPTION...]",
     "be a mail server that takes everything and throws it away", NULL, cli_blast_sink},
    {"address", "h0", " json null help ", "address [--json] [--null]",
     "judge addresses from standard input",
     "Reads one address a line and says of each whether it may stand in an SMTP envelope (RFC "
     "5321), or in a\n"
     "header field only (RFC 5322), and why not; its parts, and the key it is looked up by.\n"
     "\n"
     "      --json          one JSON object on a line for each address\n"
     "  -0, --null          each address ends in NUL, and line ends are part of it\n",
     cli_show_address},
    {"spf", "c:h",
     " config ip helo mail-from receiver dns zone trust-anchors timeout void-lookups batch headers "
     "json "
     "help ",
     "spf --ip IP --helo NAME [--mail-from ADDRESS] [-c FILE | --dns IP:PORT | --zone FILE] "
     "[--json]",
     "check who may send for a domain (SPF)",
     "Evaluates the SPF record of the sender's domain (RFC 7208) for a client at IP, and prints "
     "each step and the\n"
     "result. Without an address, or with an empty one, the domain of HELO is checked. "
     "docs/authentication.md tells more.\n"
     "\n"
     "      --ip IP              address of the client\n"
     "      --helo NAME          what it said in HELO or EHLO\n"
     "      --mail-from ADDRESS  what it said in MAIL FROM\n"
     "      --receiver NAME      who checks, for the domain's explanation of a fail and for "
     "--headers; with -c `hostname`\n"
     "      --headers            print Received-SPF and Authentication-Results as a message "
     "would get them\n"
     "  -c, --config FILE        ask as the configuration's group `dns` says\n"
     "      --dns IP:PORT        ask this server; left out: the servers of the domain, from the "
     "root on\n"
     "      --zone FILE          answer from a file in the form of zone files, and ask nobody\n"
     "      --trust-anchors FILE validate answers by DNSSEC, with the keys of this file\n"
     "      --timeout SECONDS    for the whole check, then it is temperror; 20\n"
     "      --void-lookups N     terms that may ask for what is not there, then it is permerror; "
     "2\n"
     "      --batch              check each line of standard input: a JSON object with ip, helo "
     "and mail_from\n"
     "      --json               one JSON object on a line for each check\n"
     "\n"
     "The exit status is the result: 0 pass, 3 fail, 4 softfail, 5 neutral, 6 none, 7 temperror, "
     "8 permerror;\n"
     "of a batch 0 when each line could be checked. How many questions ended how is then told on "
     "standard error.\n",
     cli_auth_spf},
    {"dkim", "c:h",
     " config dns zone trust-anchors timeout now allow-legacy json key selector passphrase-file "
     "domain identity canonicalization sign-headers oversign expires help ",
     "dkim verify FILE... | dkim sign --key FILE --selector NAME --domain NAME FILE | dkim record "
     "[OPTION...]",
     "verify or make signatures of messages (DKIM)",
     "Verifies the signatures of each file (- for standard input; RFC 6376, 8301, 8463, 8616), or "
     "signs one and\n"
     "prints it, or prints the DNS records of keys in the form of zone files. "
     "docs/authentication.md tells more.\n"
     "\n"
     "verify:\n"
     "  -c, --config FILE        ask as the configuration's group `dns` says\n"
     "      --dns IP:PORT        ask this server; left out: the servers of the domain, from the "
     "root on\n"
     "      --zone FILE          answer from a file in the form of zone files, and ask nobody\n"
     "      --trust-anchors FILE validate answers by DNSSEC, with the keys of this file\n"
     "      --timeout SECONDS    for the keys of a message, then it is temperror; 20\n"
     "      --now TIME           as if it were that time: seconds since 1970, or "
     "2026-11-23T10:00:00Z\n"
     "      --allow-legacy       rsa-sha1 and RSA keys from 512 bits on count too, which RFC 8301 "
     "retired,\n"
     "                           signatures of the drafts, and g= of keys\n"
     "      --json               one JSON object on a line for each file\n"
     "\n"
     "sign, record:\n"
     "      --key FILE           private key in PEM, RSA or Ed25519; with --selector up to 8 times, "
     "a signature each\n"
     "      --selector NAME      its selector\n"
     "      --domain NAME        who signs\n"
     "      --passphrase-file F  what keys are encrypted with, on the first line\n"
     "      --identity ADDRESS   i=\n"
     "      --canonicalization C HEADER/BODY, each simple or relaxed; relaxed/relaxed\n"
     "      --sign-headers LIST  names between colons: all fields of these are signed\n"
     "      --oversign LIST      the same, and none can be added\n"
     "      --expires SECONDS    how long the signature holds\n"
     "      --now TIME           when it was made\n"
     "\n"
     "The exit status of verify is the result, of several files the first that is not pass: 0 "
     "pass, 3 fail,\n"
     "5 neutral, 6 none, 7 temperror, 8 permerror, 9 policy.\n",
     cli_auth_dkim},
    {"arc", "c:h", " config dns zone trust-anchors timeout now json help ",
     "arc verify [-c FILE | --dns IP:PORT | --zone FILE] [--json] FILE...",
     "validate the chains of who handled messages (ARC)",
     "Validates the chain of seals in each file (- for standard input; RFC 8617), and prints each "
     "set and the\n"
     "result. docs/authentication.md tells more.\n"
     "\n"
     "  -c, --config FILE        ask as the configuration's group `dns` says\n"
     "      --dns IP:PORT        ask this server; left out: the servers of the domain, from the "
     "root on\n"
     "      --zone FILE          answer from a file in the form of zone files, and ask nobody\n"
     "      --trust-anchors FILE validate answers by DNSSEC, with the keys of this file\n"
     "      --timeout SECONDS    for the keys of a message, then the chain fails; 20\n"
     "      --now TIME           as if it were that time: seconds since 1970, or "
     "2026-11-23T10:00:00Z\n"
     "      --json               one JSON object on a line for each file\n"
     "\n"
     "The exit status is the result, of several files the first that is not pass: 0 pass, 3 fail, "
     "6 none.\n",
     cli_auth_arc},
    {"import", "c:h", " config format subfolders help ",
     "import -c FILE [--format FORMAT] [--subfolders] ACCOUNT PATH",
     "put a Maildir or an mbox into an account's inbox",
     "For a store that no engine has open; `wirepost ctl import` goes through a running engine. "
     "Dates and\n"
     "flags are kept. An import that was cut can be repeated: what is there already is not put "
     "there twice.\n"
     "\n"
     "  -c, --config FILE   the configuration with the store\n"
     "      --format FORMAT maildir, mboxrd, mboxo or mboxcl2; left out: a directory is a Maildir, "
     "a "
     "file mboxrd\n"
     "      --subfolders    folders of a Maildir++ go into the inbox too; without it they are "
     "named "
     "and left out\n",
     cli_ctl_import},
    {"export", "c:h", " config format help ", "export -c FILE [--format FORMAT] ACCOUNT PATH",
     "write an account's inbox to a Maildir or an mbox",
     "For a store that no engine has open; `wirepost ctl export` goes through a running engine. "
     "PATH is made\n"
     "and must not be there.\n"
     "\n"
     "  -c, --config FILE   the configuration with the store\n"
     "      --format FORMAT maildir (the default) or mboxrd\n",
     cli_ctl_export},
    {"client-config", "c:h", " config format output help ",
     "client-config -c FILE [--format FORMAT] [--output FOLDER] DOMAIN|ADDRESS",
     "write what mail programs set themselves up by",
     "For the listeners of the configuration that have TLS. A folder is laid out as web servers "
     "and "
     "programs\n"
     "expect it; docs/client-setup.md tells how to serve it. With an address the files are for "
     "that account alone.\n"
     "\n"
     "  -c, --config FILE   the configuration\n"
     "      --format FORMAT autoconfig (Thunderbird), autodiscover (Outlook), mobileconfig "
     "(Apple), srv (lines\n"
     "                      of a zone file), or all of them\n"
     "      --output FOLDER where to; left out: one format to standard output\n",
     cli_clients_show},
    {"schema", "h", " help ", "schema [NAME]", "print the JSON Schema of what is told in JSON",
     "Without a name, lists the schemas: of records, of lines of the log, and of what commands "
     "print with\n"
     "--json. docs/events.md says how they change.\n",
     cli_show_schema},
    {"restore", "c:h", " config help ", "restore -c FILE FOLDER [ID]",
     "make the store from a backup, while no engine runs",
     "Copies the backup ID (the newest unless told) of FOLDER to store.path, which must be empty "
     "or "
     "not there,\n"
     "checks it whole, and gives every mailbox a new UIDVALIDITY. Backups are made by `wirepost "
     "ctl "
     "backup`;\n"
     "docs/operations.md tells all of it.\n"
     "\n"
     "  -c, --config FILE   the configuration that names the store\n",
     cli_engine_restore},
    {"version", "h", " help ", "version", "print the version", NULL, cli_show_version},
};

const int cli_command_count = sizeof(cli_commands) / sizeof(cli_commands[0]);
