from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.text.markup import decoded, has_entities, has_markup, without_markup


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('<p class="lead">Soft&nbsp;<i>velvet</i></p><script>alert(1)</script>', "Soft velvet"),
        ("<P CLASS='x'>Hi<BR/>there</P>", "Hi there"),
        ("<ul>\n  <li>A</li>\n  <li>B</li>\n</ul>", "A\nB"),
        ("w<b>or</b>d", "word"),
        ("<style>p { x }</style><!-- secret --><div>seen</div>", "seen"),
        ('<a href="https://x.y/?a=1&amp;b=2">link</a>', "link"),
        ("&lt;p&gt;Soft&lt;/p&gt;", "Soft"),
        ("<p>write &lt;b&gt; for bold</p>", "write <b> for bold"),
        ("Tom &amp;amp; Jerry <b>now</b>", "Tom & Jerry now"),
        ("line<br>next", "line next"),
        ("İ<script>x</script><b>y</b>", "İ y"),
        ("<![CDATA[<p>x</p>]]>", "x"),
    ],
)
def test_a_text_without_its_markup(text, plain):
    assert without_markup(text) == plain
    assert without_markup(plain) == plain


@pytest.mark.parametrize(
    "text",
    ["the <p> tag", "a < b and c > d", "if (a<b && c>d) {}", "List<String>", "C++ <vector>", "AT&T; R&B", "<3",
     "x </ y", "https://x.y/?a=1&copy=2", "", "plain", "5 < 6 <7> 8"],
)  # fmt: skip
def test_a_text_that_only_looks_like_it_stays(text):
    assert not has_markup(text)
    assert without_markup(text) == text


def test_among_texts_in_html_tags_go_that_nobody_closed():
    assert without_markup("<p>one<p>two", sure=True) == "one two"


@pytest.mark.parametrize(
    ("text", "plain"),
    [("R&amp;B", "R&B"), ("Caf&eacute;", "Café"), ("&#8364;5 &#x27;x&#x27;", "€5 'x'"), ("a&nbsp;b", "a b"),
     ("&unknown; &amp", "&unknown; &amp"), ("&#xD800;", "&#xD800;"), ("&#0;x", " x"), ("AT&T", "AT&T")],
)  # fmt: skip
def test_entities_become_characters(text, plain):
    assert decoded(text) == plain
    assert has_entities(text) == (plain != text)


HOSTILE = ("<p>" * 100_000, "<script>" * 50_000, "<a " * 100_000, "<!--" * 100_000 + "<br>", " " * 500_000)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8])
def test_hostile_texts_cost_no_more_than_their_length(text):
    start = time.process_time()
    without_markup(text, sure=True)
    assert time.process_time() - start < 10.0


@given(st.text(alphabet=st.sampled_from("<>/&;#ab p=\"'!-\n"), max_size=60))
def test_any_text_is_read(text):
    assert isinstance(without_markup(text, sure=True), str)
    if not has_markup(text) and not has_entities(text):
        assert without_markup(text) == text.replace("\xa0", " ")
