# SPDX-License-Identifier: BSD-3-Clause
"""The interpreter of scripted groups: how lines are read, what matches what."""

import pytest
from lab.imap import script
from lab.imap.match import Uninitialized, Variables, match
from lab.imap.play import messages
from lab.imap.wire import pieces
from lab.imap.words import BadWords, response_words, words


def read(tmp_path, text, environment=()):
    path = tmp_path / "group"
    path.write_bytes(text.encode())
    return script.read(path, dict.fromkeys(environment, "1"))


def fits(expected, said, variables=None, prefix=False):
    line = words(expected)
    script.add_defaults(line)
    return match(variables or Variables({}), line, response_words(said), prefix)


def test_words():
    assert words('1 FETCH (BODY[TEXT]<0> {3}\r\na)b FLAGS (\\Seen) "q\\"x" NIL)') == \
        ["1", "FETCH", ["BODY[TEXT]<0>", "a)b", "FLAGS", ["\\Seen"], 'q"x', "NIL"]]
    assert words("THREAD (3 2)(1)") == ["THREAD", ["3", "2"], ["1"]]
    assert words("a BODY[HEADER.FIELDS (from)] x") == ["a", "BODY[HEADER.FIELDS", ["from"], "]", "x"]
    for wrong in ("(a", '"a', "{5}\r\nabc"):
        with pytest.raises(BadWords):
            words(wrong)
    assert response_words("OK a (b") == ["OK", "a", "(b"]


def test_three_ways_to_write_a_command(tmp_path):
    group = read(tmp_path, "connections: 2\nstate: auth\n\n1 ok noop\n* 1 exists\n\n2 noop\n2 no [x]\n\n1 tag1 a\n1 tag2 b\n1 tag2 ok\n1 tag1 bad\n")
    assert [len(step.commands) for step in group.steps] == [1, 1, 2]
    assert [step.connection for step in group.steps] == [0, 1, 0]
    assert [command.answer for command in group.steps[2].commands] == [["bad"], ["ok"]]
    assert group.steps[1].commands[0].answer == ["no", "[x]"]


def test_what_is_no_group_is_refused(tmp_path):
    for text in ("state: none\n\nok a\n", "\n", "\na\n", "\nok a {{{\nx\n", "\n!ifenv A\nok a\n", "connections: 2\n\nok a\n", "\na\nb\nok\n"):
        with pytest.raises(script.BadScript):
            read(tmp_path, text)


def test_literals_have_the_line_ends_of_mail_or_of_the_file(tmp_path):
    group = read(tmp_path, "\nok a {{{\nx\n\n}}} {{{\ny\n}}} z\nok b ~{{{\n1\r\n2\n}}}\n")
    assert group.steps[0].commands[0].text == "a {3}\r\nx\r\n {1}\r\ny z"
    assert group.steps[1].commands[0].text == "b ~{4}\r\n1\r\n2"


def test_a_literal_that_nobody_waits_for(tmp_path):
    assert read(tmp_path, "\nok a +{{{\nx\ny\n}}}\n").steps[0].commands[0].text == "a {4+}\r\nx\r\ny"


def test_what_happens_while_it_idles(tmp_path):
    step = read(tmp_path, "connections: 2\n\n1 ok idle\n!during 2 no noop\n* 1 exists\n").steps[0]
    assert [(other, command.text, command.answer) for other, command in step.during] == [(1, "noop", ["no"])]


def test_conditions(tmp_path):
    text = "\nok a\n!ifenv X\nok b\n!ifnenv Y\nok c\n!endif\n!else\nok d\n!endif\n"
    assert [step.commands[0].text for step in read(tmp_path, text).steps] == ["a", "d"]
    assert [step.commands[0].text for step in read(tmp_path, text, "X").steps] == ["a", "b", "c"]
    assert [step.commands[0].text for step in read(tmp_path, text, "XY").steps] == ["a", "b"]


def test_variables_take_what_stands_there():
    variables = Variables({})
    assert fits("1 fetch (uid $uid1)", "1 FETCH (UID 17)", variables)
    assert fits("1 fetch (uid $uid1)", "1 FETCH (UID 17)", variables)
    assert not fits("2 fetch (uid $uid1)", "2 FETCH (UID 18)", variables)
    assert fits("esearch all $a:$b,$c", "ESEARCH ALL 1:3,9", variables)
    assert [variables.values[name] for name in "abc"] == ["1", "3", "9"]
    assert variables.expand("x $uid1 ${uid1}2 $$k") == "x 17 172 $k"
    with pytest.raises(Uninitialized):
        variables.expand("$nothing")


def test_a_match_that_fails_takes_nothing():
    variables = Variables({})
    assert not fits("1 fetch (uid $u flags (\\seen))", "1 FETCH (UID 17 FLAGS ())", variables)
    assert "u" not in variables.values


def test_lists_without_order():
    assert fits("1 fetch (uid 2 flags (\\seen))", "1 FETCH (FLAGS (\\Seen \\Recent) MODSEQ (4) UID 2)")
    assert not fits("1 fetch (flags (\\seen))", "1 FETCH (FLAGS (\\Seen \\Draft))")
    assert not fits("1 fetch (flags (\\seen \\draft))", "1 FETCH (FLAGS (\\Seen))")
    assert fits("1 fetch (flags ($!extra \\seen))", "1 FETCH (FLAGS (\\Seen \\Draft))") is False
    assert fits("1 fetch (flags ($!unordered \\draft))", "1 FETCH (FLAGS (\\Seen \\Draft))")
    assert not fits("1 fetch (flags ($!unordered $!ban=\\seen \\draft))", "1 FETCH (FLAGS (\\Seen \\Draft))")
    assert fits('list (\\a) "/" x', 'LIST (\\B \\A) "/" x')
    assert fits("status x (messages 1)", "STATUS x (UIDNEXT 4 MESSAGES 1)")
    assert not fits("search 1 2", "SEARCH 2 1")
    assert not fits("search 1 2", "SEARCH 1 2 3")


def test_what_matches_all():
    assert fits("1 fetch (flags $)", "1 FETCH (FLAGS (a b))")
    assert fits("ok [capability $] x", "OK [CAPABILITY A B C] x", prefix=True)
    assert fits("ok [trycreate]", "OK [TRYCREATE] no such mailbox", prefix=True)
    assert not fits("no", "OK x", prefix=True)
    assert fits('""', "NO anything", prefix=True)


def test_case():
    assert fits("list () $ inbox", 'LIST () "/" INBOX')
    assert not fits("list () $ ${case:inbox}", 'LIST () "/" INBOX')
    assert fits("list () $ ${case:INBOX}", 'LIST () "/" INBOX')


def test_numbers_follow_expunges():
    variables = Variables({})
    variables.sequence = [1, 2, 3]
    assert fits("$1 expunge", "1 EXPUNGE", variables)
    variables.expunged(1)
    assert fits("$3 expunge", "2 EXPUNGE", variables) and variables.numbered("1") == "<expunged>"


def test_modseqs_grow():
    variables = Variables({})
    assert fits("a $modseq2", "A 10", variables) and fits("a $modseq5", "A 13", variables)
    assert not fits("a $modseq7", "A 14", variables)
    assert fits("a $modseq5", "A 13", variables)


def test_mbox(tmp_path):
    path = tmp_path / "x.mbox"
    path.write_text("From a  Fri Feb 22 17:06:23 2008\nA: b\n\nbody\n\nFrom a  Fri Feb 22 23:00:00 2008 +0200\nC: d\n\nFrom here\n")
    found = messages(path)
    assert [text for _, text in found] == ["A: b\r\n\r\nbody\r\n\r\n", "C: d\r\n\r\nFrom here\r\n"]
    assert [zone for (_, zone), _ in found] == ["+0000", "+0200"]


def test_a_command_waits_where_a_literal_is_announced():
    assert pieces("a {3}\r\nb{1 {2+}\r\ncd\r\n") == ["a {3}\r\n", "b{1 {2+}\r\ncd\r\n"]
    assert pieces("a x\r\n") == ["a x\r\n"]
