# SPDX-License-Identifier: BSD-3-Clause
"""What THREAD must say (RFC 5256 sections 3 and 4), told plainly: for the few messages of random sessions."""

import re
from email.utils import parsedate_to_datetime


class Node:
    """A message, or an id that others refer to."""

    def __init__(self, number=None, date=0, subject="", reply=False):
        self.number, self.date, self.subject, self.reply = number, date, subject, reply
        self.parent, self.children = None, []

    def key(self):
        return self.children[0].key() if self.number is None else (self.date, self.number)

    def first(self):
        return self.children[0] if self.number is None else self

    def latest(self):
        return max([self.key(), *(child.latest() for child in self.children)])

    def told(self):
        """(number, children) as `read` gives it."""
        return self.number, [child.told() for child in self.children]


def fields(number, text):
    """(number, date, id, references, subject, whether that is a reply's) of a message as random sessions write them."""
    header = dict(re.findall(r"^([\w-]+): (.*?)\r$", text.partition("\r\n\r\n")[0] + "\r\n", re.MULTILINE))
    subject = header.get("Subject", "")
    return (number, parsedate_to_datetime(header["Date"]).timestamp(), header.get("Message-ID"), header.get("References", "").split(),
            subject.removeprefix("Re: "), subject.startswith("Re: "))


def read(words):
    """The trees of a THREAD response's words."""
    def tree(items):
        if isinstance(items[0], list):
            return None, [tree(item) for item in items]
        rest = items[1:]
        return int(items[0]), [] if not rest else [tree(item) for item in rest] if isinstance(rest[0], list) else [tree(rest)]
    return [tree(items) for items in words]


def expected(how, messages):
    """The trees of these messages, fields() of each in the order of their numbers."""
    nodes = [Node(number, date, subject, reply) for number, date, _, _, subject, reply in messages]
    if how == "ORDEREDSUBJECT":
        return [node.told() for node in _by_subject(nodes)]
    roots = _by_references(nodes, messages)
    if how == "REFERENCES":
        roots = _joined(roots)
        roots.sort(key=Node.key)
    else:
        roots.sort(key=Node.latest)
    return [node.told() for node in roots]


def same(how, found, messages):
    """Whether the trees are those expected; of threads whose latest messages are of one moment REFS says nothing."""
    wanted = expected(how, messages)
    if how != "REFS":
        return found == wanted
    dates = {number: date for number, date, *_ in messages}
    latest = [max(dates[number] for number in _numbers(tree)) for tree in found]
    return sorted(found, key=repr) == sorted(wanted, key=repr) and latest == sorted(latest)


def _numbers(tree):
    return [number for number in (tree[0], *(one for child in tree[1] for one in _numbers(child))) if number is not None]


def _by_subject(nodes):
    first = {}
    for node in sorted(nodes, key=Node.key):
        if node.subject in first:
            first[node.subject].children.append(node)
        else:
            first[node.subject] = node
    return sorted(first.values(), key=Node.key)


def _by_references(nodes, messages):
    ids = {}
    for node, (_, _, own, *_rest) in zip(nodes, messages):
        ids.setdefault(own, node)
    for node, (_, _, _, references, *_rest) in zip(nodes, messages):
        last = None
        for name in references:
            one = ids.setdefault(name, Node())
            if last is not None and one.parent is None and not _above(one, last):
                one.parent = last
            last = one
        node.parent = None if last is None or _above(node, last) else last
    for node in nodes:
        top = node.parent
        while top is not None and top.number is None and top.parent is not None:
            top = top.parent
        node.parent = top
    for node in nodes:
        if node.parent is not None:
            node.parent.children.append(node)
    roots = [node for node in nodes if node.parent is None]
    for node in {id(node.parent): node.parent for node in nodes if node.parent is not None}.values():
        node.children.sort(key=Node.key)
        if node.number is None:
            roots += [node] if len(node.children) > 1 else node.children
    return sorted(roots, key=Node.key)


def _above(node, below):
    while below is not None:
        if below is node:
            return True
        below = below.parent
    return False


def _joined(roots):
    """Step 5: threads of one subject."""
    table, gone = {}, set()
    for node in roots:
        subject, there = node.first().subject, table.get(node.first().subject)
        if subject and (there is None or (there.number is not None and node.number is None) or
                        (_is_reply(there) and not _is_reply(node))):
            table[subject] = node
    for node in list(roots):
        there = table.get(node.first().subject)
        if there is None or there is node:
            continue
        gone.add(id(node))
        if there.number is None and node.number is None:
            there.children += node.children
        elif there.number is None or (_is_reply(node) and not _is_reply(there)):
            there.children.append(node)
        else:
            gone.add(id(there))
            both = Node()
            both.children = [there, node]
            table[node.first().subject] = there = both
            roots.append(both)
        there.children.sort(key=Node.key)
    return [node for node in roots if id(node) not in gone]


def _is_reply(node):
    return node.number is not None and node.reply
