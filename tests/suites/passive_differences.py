# SPDX-License-Identifier: BSD-3-Clause
"""What of the passive suite is not as its test.yaml has it, and why; and which tests are not about mail."""

# Keys of its events that ours have a place for. Not told by ours: email.to, email.cc, email.date, email.received,
# email.url, email.x_mailer, email.body_md5 and email.subject_md5 (`wirepost mime` shows every field of an extracted message).
FACTS = {"smtp.helo", "smtp.mail_from", "smtp.rcpt_to", "email.from", "email.subject", "email.message_id",
         "email.attachment"}
DIFFERENCES = {}
NOT_MAIL = set()
WITHOUT_CAPTURE = set()
