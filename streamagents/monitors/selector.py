"""Selectors: CSS over a tree, with work that grows with the page and no faster.

XPath, to which CSS is usually turned, took 21 s for `p + p` on 5,000 paragraphs and 121 s for
`p ~ p`, and cannot be interrupted. So what looks at all siblings is not to be had here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from cssselect import SelectorError
from cssselect.parser import (
    Attrib,
    Class,
    CombinedSelector,
    Element,
    Function,
    Hash,
    Negation,
    Pseudo,
    parse,
)
from lxml import etree

from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

_MOST_NTH = 100
_MOST_ELEMENTS = 100_000
"""As many tags are read where nothing is selected: ten times what large pages have."""


class Selector:
    """A compiled selector: `Selector("main .price")`.

    Tags, classes, ids, attributes, `:not()`, `:first-child`, `:last-child`, `:nth-child(7)`, and
    the combinators space, `>` and `+`; several behind commas.

    Raises:
        ConfigurationError: it is none, or none of these.
    """

    def __init__(self, text: str) -> None:
        try:
            selectors = parse(text)
        except SelectorError as exc:
            raise ConfigurationError(f"{text!r} is no CSS selector: {exc}.") from exc
        self.text = text
        self._trees = [selector.parsed_tree for selector in selectors]
        if any(selector.pseudo_element for selector in selectors):
            raise ConfigurationError(f"{text!r}: a part of an element cannot be selected.")
        for tree in self._trees:
            _check(text, tree)
        self._left = [part for tree in self._trees for part in _left_of(tree)]

    def all(self, root: Any) -> Iterator[Any]:
        """The elements that match, in their order; none that lies in another one of them."""
        frames = [_Frame()]
        steps = islice(etree.iterwalk(root, events=("start", "end")), 2 * _MOST_ELEMENTS)
        for event, element in steps:
            if event == "end":
                frames.pop()
                continue
            parent = frames[-1]
            parent.children += 1
            met = {id(tree) for tree in self._left if _matches(tree, element, parent)}
            matches = any(_matches(tree, element, parent) for tree in self._trees)
            if matches and not parent.inside:
                yield element
            frames.append(_Frame(met, parent.met | parent.above, inside=parent.inside or matches))
            parent.before = met


@dataclass(slots=True)
class _Frame:
    """An element on the way down: which parts, left of a combinator, it and those above match."""

    met: AbstractSet[int] = frozenset()
    above: AbstractSet[int] = frozenset()
    inside: bool = False
    """Whether it lies in a match."""
    before: AbstractSet[int] = frozenset()
    """What its last child so far matches."""
    children: int = 0


def _left_of(tree: Any) -> Iterator[Any]:
    """The parts of a selector left of its combinators, the inner ones first."""
    if isinstance(tree, Element):
        return
    yield from _left_of(tree.selector)
    if isinstance(tree, (CombinedSelector, Negation)):
        yield from _left_of(tree.subselector)
    if isinstance(tree, CombinedSelector):
        yield tree.selector


def _check(text: str, tree: Any) -> None:
    """Refuse what is not matched here, at once and not at the first page.

    Raises:
        ConfigurationError: there is such a part.
    """
    known = (Attrib, Class, CombinedSelector, Element, Hash, Negation)
    fine = isinstance(tree, known)
    if isinstance(tree, CombinedSelector):
        fine = tree.combinator in {" ", ">", "+"}
        _check(text, tree.subselector)
    elif isinstance(tree, Negation):
        _check(text, tree.subselector)
    elif isinstance(tree, Element):
        fine = tree.namespace is None
    elif isinstance(tree, Pseudo):
        fine = tree.ident in {"first-child", "last-child"}
    elif isinstance(tree, Function):
        fine = tree.name == "nth-child" and 0 < _nth(tree) <= _MOST_NTH
    elif isinstance(tree, Attrib):
        fine = tree.namespace is None and tree.operator in _OPERATORS
    if not fine:
        raise ConfigurationError(
            f"{text!r}: here a selector has tags, classes, ids, attributes, :not(), :first-child, "
            f":last-child, :nth-child() of a number up to {_MOST_NTH}, and the combinators space, "
            "> and +."
        )
    if not isinstance(tree, Element):
        _check(text, tree.selector)


def _matches(tree: Any, element: Any, parent: _Frame) -> bool:
    if isinstance(tree, CombinedSelector):
        return _matches(tree.subselector, element, parent) and _beside(tree, parent)
    if isinstance(tree, Element):
        return tree.element is None or tree.element.casefold() == element.tag
    return _matches(tree.selector, element, parent) and _simple(tree, element, parent)


def _simple(tree: Any, element: Any, parent: _Frame) -> bool:
    """The last part of a compound, as the `.price` of `td.price`."""
    if isinstance(tree, Class):
        return tree.class_name in (element.get("class") or "").split()
    if isinstance(tree, Hash):
        return bool(element.get("id") == tree.id)
    if isinstance(tree, Negation):
        return not _matches(tree.subselector, element, parent)
    if isinstance(tree, Pseudo):
        return parent.children == 1 if tree.ident == "first-child" else _is_last(element)
    if isinstance(tree, Function):
        return parent.children == _nth(tree)
    value = element.get(tree.attrib.casefold())
    return value is not None and _OPERATORS[tree.operator](value, _wanted(tree))


def _beside(tree: CombinedSelector, parent: _Frame) -> bool:
    left = id(tree.selector)
    if tree.combinator == "+":
        return left in parent.before
    return left in parent.met or (tree.combinator == " " and left in parent.above)


def _is_last(element: Any) -> bool:
    return next(element.itersiblings(etree.Element), None) is None


def _nth(tree: Function) -> int:
    kinds = [token.type for token in tree.arguments]
    value = tree.arguments[0].value if kinds == ["NUMBER"] else ""
    return int(value) if value.isdecimal() and len(value) <= len(str(_MOST_NTH)) else 0


def _wanted(tree: Attrib) -> str:
    return str(tree.value.value) if tree.value is not None else ""


_OPERATORS: dict[str, Any] = {
    "exists": lambda _value, _wanted: True,
    "=": lambda value, wanted: value == wanted,
    "~=": lambda value, wanted: bool(wanted) and wanted in value.split(),
    "|=": lambda value, wanted: value == wanted or value.startswith(f"{wanted}-"),
    "^=": lambda value, wanted: bool(wanted) and value.startswith(wanted),
    "$=": lambda value, wanted: bool(wanted) and value.endswith(wanted),
    "*=": lambda value, wanted: bool(wanted) and wanted in value,
}
