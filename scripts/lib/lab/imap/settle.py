# SPDX-License-Identifier: BSD-3-Clause
"""All sessions have stopped: what each is told must be the same for all, and what is known."""

import time

from lab.imap import threads
from lab.imap.model import RECENT, Violation, date
from lab.imap.folders import check
from lab.imap.wire import Connection, fetched, in_set, quoted, utf7

WAKE = 5    # seconds in which a session that idles must hear of a new message
_KEYS = {"\\seen": "SEEN", "\\flagged": "FLAGGED", "\\answered": "ANSWERED", "\\draft": "DRAFT", "\\deleted": "DELETED"}


def snapshot(session):
    """{UID: (flags, size, date, modseq)} of all messages that the session has selected, numbers checked."""
    items = "UID FLAGS RFC822.SIZE INTERNALDATE" + (" MODSEQ" if session.has("CONDSTORE") else "")
    rows = {}

    def keep(response):
        session.heard(response)
        if response.kind == "FETCH":
            told = fetched(response)
            if "INTERNALDATE" in told:
                rows[int(told["UID"])] = (frozenset(flag.lower() for flag in told["FLAGS"]) - {RECENT}, int(told["RFC822.SIZE"]),
                                          date(told["INTERNALDATE"]), int(told["MODSEQ"][0]) if "MODSEQ" in told else 0)
    session.connection.heard = keep
    if session.view.uids:
        session.run("uid_fetch", f"UID FETCH 1:* ({items})")
    session.connection.heard = session.heard
    if sorted(rows) != session.view.uids:
        raise Violation(f"{session.box.name}: FETCH tells of UIDs {sorted(rows)}, the session knows {session.view.uids}")
    return rows


def settle(crowd):
    for box in crowd.boxes.values():
        rows = None
        for session in crowd.sessions:
            # Those that have it selected are told what has happened; the others see it new.
            if session.view is not None and session.box is box:
                session.run("noop", "NOOP")
                session.run("noop", "NOOP")
            else:
                session.select_box(box)
                session.finish()
            mine = snapshot(session)
            if rows is not None and mine != rows:
                raise Violation(f"{box.name}: sessions are told different things: {_difference(rows, mine)}")
            rows = mine
        _known(box, rows, crowd)
        _asked(crowd.random.choice(crowd.sessions), box, rows)
        _changed(crowd.random.choice(crowd.sessions), rows)
        _extended(crowd.random.choice(crowd.sessions), box, rows)
        _resumed(crowd, box, rows)
    _listed(crowd)
    _used(crowd)
    _woken(crowd)


def _difference(one, other):
    return {uid: (one.get(uid), other.get(uid)) for uid in sorted(set(one) | set(other)) if one.get(uid) != other.get(uid)}


def _known(box, rows, crowd):
    """What is there is what must be there; what the owners have settled is so. From here on all flags are known."""
    for uid, message in box.messages.items():
        if uid not in rows:
            if not message.may_go:
                raise Violation(f"{box.name}: UID {uid} is lost")
            message.gone = True
            continue
        if message.must_go:
            raise Violation(f"{box.name}: UID {uid} is there, and must be gone")
        flags, size, arrived, _ = rows[uid]
        wrong = [flag for flag, value in message.flags.items() if value is not None and (flag in flags) != value]
        if wrong:
            raise Violation(f"{box.name}: UID {uid} has {sorted(flags)}; {wrong} should be {[message.flags[flag] for flag in wrong]}")
        if message.size not in (None, size) or message.date not in (None, arrived):
            raise Violation(f"{box.name}: UID {uid}: size {size}, date {arrived}; known as {message.size}, {message.date}")
    unknown = set(rows) - set(box.messages)
    if unknown:
        raise Violation(f"{box.name}: nobody has made UIDs {sorted(unknown)}")
    if box.started:
        raise Violation("the model itself: commands under way in silence")
    all_flags = [*_KEYS, *(f"kw{number}" for number in range(crowd.count))]
    for uid, (flags, *_) in rows.items():
        message = box.messages[uid]
        message.flags = {flag: flag in flags for flag in all_flags}
        message.may_go = "\\deleted" in flags


def _search(session, text, by_uid=True, verb="SEARCH"):
    pending = session.run("uid_search" if by_uid else "search", f"{'UID ' if by_uid else ''}{verb} {text}", numbers=not by_uid)
    return pending.found


def _asked(session, box, rows):
    """SEARCH in its forms and STATUS tell what FETCH does."""
    uids = sorted(rows)
    for flag, key in _KEYS.items():
        expected = [uid for uid in uids if flag in rows[uid][0]]
        for text, wanted in ((key, expected), (f"NOT {key}", [uid for uid in uids if uid not in expected])):
            found = (_search(session, text) or {"all": []})["all"]
            if sorted(found) != wanted:
                raise Violation(f"{box.name}: SEARCH {text} finds {found}, not {wanted}")
    size = session.random.choice([row[1] for row in rows.values()] or [100])
    expected = [uids.index(uid) + 1 for uid in uids if rows[uid][1] > size]
    found = (_search(session, f"LARGER {size}", by_uid=False) or {"all": []})["all"]
    if sorted(found) != expected:
        raise Violation(f"{box.name}: SEARCH LARGER {size} finds {found}, not {expected}")
    if session.has("ESEARCH") and uids:
        found = _search(session, "RETURN (MIN MAX COUNT ALL) ALL")
        if (found.get("min"), found.get("max"), found.get("count"), found["all"]) != (uids[0], uids[-1], len(uids), uids):
            raise Violation(f"{box.name}: ESEARCH finds {found}, not {uids}")
    items = ["MESSAGES", "UIDNEXT", "UNSEEN", *(["HIGHESTMODSEQ"] if session.has("CONDSTORE") else []),
             *(["SIZE"] if session.has("STATUS=SIZE") else []), *(["DELETED", "DELETED-STORAGE"] if session.has("QUOTA=RES-STORAGE") else [])]
    told = session.run("status", f"STATUS {session.name(box.name)} ({' '.join(items)})").status
    deleted = [row[1] for row in rows.values() if "\\deleted" in row[0]]
    expected = {"MESSAGES": len(uids), "UNSEEN": sum("\\seen" not in row[0] for row in rows.values()), "SIZE": sum(row[1] for row in rows.values()),
                "DELETED": len(deleted), "DELETED-STORAGE": sum(deleted)}
    for name, value in told.items():
        if name in expected and value != expected[name]:
            raise Violation(f"{box.name}: STATUS tells {name} {value}, not {expected[name]}")
    if told["UIDNEXT"] <= max(box.messages, default=0):
        raise Violation(f"{box.name}: UIDNEXT {told['UIDNEXT']}, and UID {max(box.messages)} was given")
    if told.get("HIGHESTMODSEQ", 1 << 63) < max((row[3] for row in rows.values()), default=0):
        raise Violation(f"{box.name}: HIGHESTMODSEQ {told['HIGHESTMODSEQ']} is below that of a message")


def _changed(session, rows):
    """CHANGEDSINCE finds the messages whose MODSEQ is higher, and no other."""
    if not session.has("CONDSTORE") or not rows:
        return
    since = session.random.choice([row[3] for row in rows.values()])
    expected = {uid for uid, row in rows.items() if row[3] > since}
    told = session.run("uid_fetch", f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since})").told
    if set(told) != expected:
        raise Violation(f"CHANGEDSINCE {since} tells of {sorted(told)}, not {sorted(expected)}")
    found = (_search(session, f"MODSEQ {since + 1}") or {"all": []})["all"]
    if set(found) != expected:
        raise Violation(f"SEARCH MODSEQ {since + 1} finds {found}, not {sorted(expected)}")


def _extended(session, box, rows):
    """SORT is the order of what it sorts by, LIST-STATUS tells what STATUS does."""
    uids = sorted(rows)
    if session.has("SORT"):
        found = _search(session, "(REVERSE SIZE) UTF-8 ALL", verb="SORT")["all"]
        if found != sorted(uids, key=lambda uid: (-rows[uid][1], uid)):
            raise Violation(f"{box.name}: SORT (REVERSE SIZE) finds {found} of {[(uid, rows[uid][1]) for uid in uids]}")
        found = _search(session, "(ARRIVAL) UTF-8 UNDELETED", verb="SORT")["all"]
        if sorted(found) != [uid for uid in uids if "\\deleted" not in rows[uid][0]]:
            raise Violation(f"{box.name}: SORT of UNDELETED finds {found}")
    _ordered(session, box, uids)
    if session.has("LIST-STATUS"):
        status = session.run("list", f'LIST "" {session.name(box.name)} RETURN (STATUS (MESSAGES UNSEEN))').status
        if status != {"MESSAGES": len(uids), "UNSEEN": sum("\\seen" not in row[0] for row in rows.values())}:
            raise Violation(f"{box.name}: LIST with STATUS tells {status} of {len(uids)} messages")


def _ordered(session, box, uids):
    """SORT, ESORT and THREAD by what the messages say, where all of them are known."""
    if not uids or any(box.messages[uid].text is None for uid in uids):
        return
    rows = [threads.fields(uid, box.messages[uid].text) for uid in uids]
    if session.has("SORT"):
        by_date = [row[0] for row in sorted(rows, key=lambda row: (row[1], row[0]))]
        by_subject = [row[0] for row in sorted(rows, key=lambda row: (row[4].upper(), row[0]))]
        latest = [row[0] for row in sorted(rows, key=lambda row: (-row[1], row[4].upper(), row[0]))]
        for what, order in (("(DATE)", by_date), ("(SUBJECT)", by_subject), ("(REVERSE DATE SUBJECT)", latest)):
            found = _search(session, f"{what} UTF-8 ALL", verb="SORT")["all"]
            if found != order:
                raise Violation(f"{box.name}: SORT {what} finds {found}, not {order}")
        if session.has("ESORT"):
            found = _search(session, "RETURN (MIN MAX COUNT ALL) (DATE) UTF-8 ALL", verb="SORT")
            if (found.get("min"), found.get("max"), found.get("count"), found["all"]) != (by_date[0], by_date[-1], len(uids), by_date):
                raise Violation(f"{box.name}: ESORT finds {found}, not {by_date}")
    for how in ("ORDEREDSUBJECT", "REFERENCES", "REFS"):
        if session.has(f"THREAD={how}"):
            found = threads.read(_search(session, f"{how} UTF-8 ALL", verb="THREAD")["threads"])
            if not threads.same(how, found, rows):
                raise Violation(f"{box.name}: THREAD {how} finds {found}, not {threads.expected(how, rows)}")


def _resumed(crowd, box, rows):
    """A client that comes back with what it knew is told all that has changed and gone, nothing of what is as it was."""
    first = crowd.sessions[0]
    if not first.has("QRESYNC"):
        return
    known, box.resume = box.resume, (max([row[3] for row in rows.values()] + [box.modseq, 1]), dict(rows))
    if known is None:
        return
    modseq, before = known
    with Connection(crowd.server, "Q") as back:
        back.greeting()
        back.login()
        back.command("ENABLE QRESYNC")
        found, _ = back.command(f"SELECT {quoted(utf7(box.name))} (QRESYNC ({box.validity} {modseq}))")
    gone, told = set(), {}
    for response in found:
        if response.kind == "VANISHED":
            if not isinstance(response.words[1], list):
                raise Violation(f"VANISHED without EARLIER: {response.text}")
            gone |= set(in_set(str(response.words[2])))
        elif response.kind == "FETCH":
            items = fetched(response)
            told[int(items["UID"])] = frozenset(flag.lower() for flag in items["FLAGS"]) - {RECENT}
    if gone & set(rows):
        raise Violation(f"{box.name}: QRESYNC tells that {sorted(gone & set(rows))} vanished, which are there")
    lost = set(before) - set(rows) - gone
    if lost:
        raise Violation(f"{box.name}: QRESYNC does not tell that {sorted(lost)} vanished")
    for uid, row in rows.items():
        if row[3] > modseq and told.get(uid) != row[0]:
            raise Violation(f"{box.name}: QRESYNC since {modseq}: UID {uid} has {sorted(row[0])} by MODSEQ {row[3]}, told {told.get(uid)}")


def _listed(crowd):
    """All sessions are told of each one's folders as that one has left them, and that special uses are where they were."""
    for session in crowd.sessions:
        if not session.has("LIST-EXTENDED"):
            return
        text = 'LIST "" imaptest-* RETURN (SUBSCRIBED CHILDREN)'
        listing = session.run("list", text).listing
        chosen = session.run("list", 'LIST (SUBSCRIBED) "" imaptest-* RETURN (CHILDREN)').listing
        for owner in crowd.sessions:
            check(listing, owner.folders, text)
            check(chosen, owner.folders, "LIST (SUBSCRIBED)", subscribed=True)
        if not set(crowd.boxes) <= listing.there():
            raise Violation(f"LIST tells of {sorted(listing.there())}")
        if session.has("SPECIAL-USE"):
            uses = session.run("list", 'LIST (SPECIAL-USE) "" *').listing.attributes
            uses = {name: told & {"\\drafts", "\\sent", "\\trash", "\\junk", "\\archive"} for name, told in uses.items()}
            if crowd.uses not in (None, uses) or not all(uses.values()):
                raise Violation(f"LIST (SPECIAL-USE) tells {uses}, was {crowd.uses}")
            crowd.uses = uses


def _used(crowd):
    """The use of STORAGE is the octets of all messages of the account, in units of 1024."""
    session = crowd.random.choice(crowd.sessions)
    if not session.has("QUOTA", "LIST-STATUS", "STATUS=SIZE"):
        return
    octets = sum(status["SIZE"] for status in session.run("list", 'LIST "" * RETURN (STATUS (SIZE))').listing.status.values())
    quotas = session.run("quota", "GETQUOTAROOT INBOX").quotas
    for use, _limit in quotas.values():
        if use != -(-octets // 1024):
            raise Violation(f"QUOTA tells {use} KiB of {octets} octets")


def _woken(crowd):
    """A session that idles hears of a new message."""
    sleeper, other = crowd.random.sample(crowd.sessions, 2)
    box = sleeper.box
    if not sleeper.has("IDLE"):
        return
    before = len(sleeper.view.uids)
    sleeper.idle()
    other.append(box)
    other.finish()
    deadline = time.monotonic() + WAKE
    while len(sleeper.view.uids) <= before:
        if time.monotonic() > deadline:
            raise Violation(f"{box.name}: who idles has not heard of a new message for {WAKE} s")
        if sleeper.connection.waiting(deadline - time.monotonic()):
            sleeper.heard(sleeper.connection.response())
    sleeper.finish()
