"""CSS selectors, matched in one pass."""

from __future__ import annotations

from time import process_time

import pytest
from cssselect import HTMLTranslator
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from streamagents.errors import ConfigurationError
from streamagents.monitors.selector import Selector

PAGE = """<html><body><main id="m" class="a b"><p id="1" class="x">1</p><!-- c --><p id="2">2</p>
<div id="d" data-k="one two"><p id="3" class="x y" lang="en-GB">3</p><span id="4">4</span>
<p id="5">5</p></div><p id="6">6</p></main><p id="7" title="last">7</p></body></html>"""


@pytest.mark.parametrize(
    ("selector", "ids"),
    [
        ("p", "123567"),
        ("main p", "12356"),
        ("main > p", "126"),
        ("main.a.b > P.x", "1"),
        ("#d p, #2", "235"),
        ("p + p", "2"),
        ("span + p", "5"),
        ("main > p + div p", "35"),
        ("body main div p", "35"),
        ("div, div p", "d"),
        ("[data-k~=two]", "d"),
        ("[lang|=en]", "3"),
        ("[title^=la][title$=st][title*=as][title]", "7"),
        ("p:not(.x)", "2567"),
        ("main > :not(p)", "d"),
        ("p:first-child", "13"),
        ("main p:last-child", "56"),
        ("main > *:nth-child(2)", "2"),
        ("p:not(main p)", "7"),
        ("p:not(:first-child)", "2567"),
        ("table", ""),
    ],
)
def test_a_selector_finds_what_it_says(selector: str, ids: str) -> None:
    found = Selector(selector).all(html.document_fromstring(PAGE))

    assert "".join(element.get("id") for element in found) == ids


@pytest.mark.parametrize(
    "text",
    ["", "p >", "p ~ p", "p:hover", "p:has(a)", "p::before", ":nth-child(2n)", "a|b", "p[a!=b]"],
)
def test_what_is_no_selector_or_none_of_ours_is_refused_at_once(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"selector|selected"):
        Selector(text)


compounds = st.sampled_from(["p", "div", ".x", "p.x", "*", ":first-child", "p:not(.x)", "div.y"])
selectors = st.builds(
    lambda first, rest: first + "".join(f"{link}{part}" for link, part in rest),
    compounds,
    st.lists(st.tuples(st.sampled_from([" ", " > ", " + "]), compounds), max_size=3),
)
trees = st.recursive(
    st.sampled_from(["<b></b>", '<i class="x"></i>']),
    lambda inner: st.builds(
        lambda name, kind, parts: f'<{name} class="{kind}">{"".join(parts)}</{name}>',
        st.sampled_from(["div", "section"]),
        st.sampled_from(["", "x", "y", "x y"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


@given(selectors, trees)
def test_it_agrees_with_xpath_on_any_page(selector: str, tree: str) -> None:
    root = html.document_fromstring(f"<html><body>{tree}</body></html>")
    expected = root.xpath(HTMLTranslator().css_to_xpath(selector))
    outer = [one for one in expected if not any(above in expected for above in one.iterancestors())]

    assert list(Selector(selector).all(root)) == outer


@pytest.mark.parametrize("selector", ["p + p + p", "div div div div div div", "p:last-child", "*"])
@pytest.mark.parametrize("unit", ["<p>", "<div>", "<div><p>x</p>"])
def test_no_page_takes_long(selector: str, unit: str) -> None:
    root = html.document_fromstring("<body>" + unit * (500_000 // len(unit)))
    began = process_time()

    list(Selector(selector).all(root))

    assert process_time() - began < 10  # XPath takes minutes
