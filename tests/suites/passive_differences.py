# SPDX-License-Identifier: BSD-3-Clause
"""What of the passive suite is not as its test.yaml has it, and why; and which tests are not about mail."""

# Keys of its events that ours have a place for. Not told by ours: email.url (addresses found in bodies), email.body_md5 and
# email.subject_md5 (SHA-256 of each part is told), and what is of the other engine itself.
FACTS = {"smtp.helo", "smtp.mail_from", "smtp.rcpt_to", "email.from", "email.subject", "email.message_id", "email.attachment",
         "email.to", "email.cc", "email.date", "email.x_mailer", "email.received"}
NAME, RECEIVED = 255, 200  # bytes that are told of a file's name there, of a Received field here without blanks
# Its anomalies of the conversation, and the names that ours have for such things.
ANOMALIES = {
    "INVALID_REPLY": {"reply_form", "reply_stray", "reply_unasked"},
    "TRUNCATED_LINE": {"command_long"},
    "INVALID_PIPELINED_SEQUENCE": {"unsynced"},
    "INVALID_BDAT": {"bdat_form"},
}
# What differs: the sentence says which of the two does what.
DIFFERENCES = {
    "smtp-mime-encap-8649-baseline": "the line end before the final dot is the body's (RFC 5321 4.1.1.4): 32 bytes, not 30",
    "smtp-mime-encap-8649-combined": "a message in a message is read as one (RFC 2046 5.2.1), its parts by its own header",
    "smtp-errors": "a reply with a code that RFC 5321 does not list, such as 402, is one all the same (4.2: any with such digits)",
    "smtp-long-command": "2048 bytes of a command line are kept, and a name is told by its first 128",
    "tcp-rst-unacked-stream-03-gap": "bytes that are missing before others are a gap, also where a reset came before they were acknowledged",
    "tcp-rst-unacked-stream-04-gap-ips": "bytes that are missing before others are a gap, also where a reset came before they were acknowledged",
    "tcp-rst-unacked-stream-07-http": "bytes that are missing before others are a gap, also where a reset came before they were acknowledged",
    "tcp-rst-unacked-stream-08-http-ips": "bytes that are missing before others are a gap, also where a reset came before they were acknowledged",
}
# Without a fact of mail that our events tell: TCP, HTTP, SMB, and rules of the other engine.
NOT_MAIL = {
    "bug-1045",
    "bug-3286-01-no-evasion",
    "bug-3286-02-linux-evasion",
    "bug-3286-03-windows-evasion",
    "bug-3616-smtp",
    "detect-email-body_md5",
    "detect-email-body_md5-auto",
    "detect-email-body_md5-disabled",
    "detect-email-url",
    "eve-overlap-payload-01",
    "eve-overlap-payload-02-policy-oldlinux",
    "eve-payload-01-tcp-exact-overlap",
    "eve-payload-02-tcp-exact-overlap-policy-oldlinux",
    "eve-payload-06-tcp-data-leading-gap",
    "lua-output-smtp",
    "lua-output-smtp-pre8",
    "ruletype-firewall-133-smtp-out-of-order-commands",
    "smb-eicar-file-segmentation-postheader",
    "smb-eicar-file-segmentation-random",
    "smb-eicar-overlap",
    "smtp-attachment-md5",
    "smtp-extract-url-schemes",
    "smtp-no-helo-quit",
    "smtp-no-helo-rset",
    "smtp-no-helo-rset-helo-mail",
    "smtp-raw-extraction",
    "smtp-rset",
    "smtp-rset-starttls",
    "smtp-url-schemes-bug-5174",
    "tcp-async-01",
    "tcp-empty-sack",
    "tcp-split-handshake-01-4whs",
    "tcp-split-handshake-02-5whs",
    "tcp-stream-after-swap",
    "tcp-urgp-01-oob",
    "tcp-urgp-02-drop-ips",
    "tcp-urgp-03-inline",
    "tcp-urgp-04-2byte-XY",
    "tcp-rst-unacked-stream-09",
    "tcp-rst-unacked-stream-10",
    "tcp-rst-unacked-stream-11",
    "tcp-rst-unacked-stream-12",
}
# Their captures are in no folder of the suite.
WITHOUT_CAPTURE = {
    "bug-3616",
    "bug-3616-ips",
    "bug-3616-urldecode",
    "eve-payload-07-http-gap",
    "mime-stream-depth",
    "smtp-tls-protodetect",
    "smtp-url-base64",
    "tcp-urgp-06-oob-within-limit",
    "tcp-urgp-07-oob-exceed-limit",
    "tcp-urgp-08-oob-exceed-limit-gap",
    "tcp-urgp-09-oob-exceed-limit-inline",
}
