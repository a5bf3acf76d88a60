"""Texts with HTML in them: is it there, and the text without it."""

from __future__ import annotations

import re
from html.entities import html5

_BLOCKS = (
    "address|article|aside|blockquote|body|br|button|caption|center|dd|details|div|dl|dt|fieldset|figcaption|figure|"
    "footer|form|h[1-6]|head|header|hr|html|iframe|img|input|legend|li|link|main|meta|nav|ol|option|p|picture|pre|section|"
    "select|source|summary|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|ul|video|audio|canvas|object|embed"
)
_INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strike|strong|sub|"
    "sup|time|tt|u|var|wbr"
)
_ATTRIBUTES = r"(?:\s+[^<>]*|\s*/)?"
_BLOCK = re.compile(
    rf"</?(?:{_BLOCKS}|script|style|noscript|template){_ATTRIBUTES}>|<!doctype[^<>]*>|<!\[CDATA\[|\]\]>", re.I
)
_WITHIN = re.compile(rf"</?(?:{_INLINE}){_ATTRIBUTES}>", re.I)
_TAG = re.compile(rf"<(/?)({_BLOCKS}|{_INLINE}|script|style){_ATTRIBUTES}>", re.I)
_ALONE = frozenset(("br", "hr", "img"))
_UNREAD = tuple(  # what nobody reads, with its inside
    (re.compile(start, re.I), re.compile(end, re.I))
    for start, end in ((r"<script\b", r"</script\s*>"), (r"<style\b", r"</style\s*>"), ("<!--", "-->"))
)
_ENTITY = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_RUN, _LINE = re.compile(r"[ \t\xa0]+"), re.compile(r" ?\n ?")


def has_markup(text: str) -> bool:
    """Say whether a text is written in HTML: an element that is opened and closed, a line break or a picture.

    Text about HTML names tags and rarely closes them.

    >>> has_markup('<p class="lead">Soft</p>'), has_markup("one<br>two"), has_markup("the <p> tag, a < b > c, List<T>")
    (True, True, False)
    """
    if "<" not in text:
        return False
    opened: set[str] = set()
    closed: set[str] = set()
    for tag in _TAG.finditer(text):
        (closed if tag[1] else opened).add(tag[2].lower())
    return not opened.isdisjoint(closed) or not opened.isdisjoint(_ALONE)


def has_entities(text: str) -> bool:
    """Say whether characters are written as ``&amp;``, ``&nbsp;`` or ``&#39;``.

    >>> has_entities("R&amp;B"), has_entities("R&B; AT&T")
    (True, False)
    """
    return "&" in text and any(_character(found[1]) is not None for found in _ENTITY.finditer(text))


def without_markup(text: str, *, sure: bool = False) -> str:
    r"""Return a text without tags, scripts, styles and comments, its entities decoded.

        sure -- it stands among texts in HTML: tags are taken out though none may be closed
    HTML that is itself escaped (``&lt;p&gt;``), as feeds write it, is taken out too where nothing else is HTML.

    >>> without_markup('<p class="lead">Soft&nbsp;<i>velvet</i></p><script>alert(1)</script>')
    'Soft velvet'
    >>> without_markup("<li>one</li><li>two</li>"), without_markup("&lt;p&gt;R&amp;amp;B&lt;/p&gt;")
    ('one two', 'R&B')
    >>> without_markup("<p>write &lt;b&gt; for bold</p>")
    'write <b> for bold'
    """
    marked = has_markup(text) or (sure and "<" in text)
    found = decoded(_stripped(text) if marked else text)
    if not marked and has_markup(found):
        found = decoded(_stripped(found))
    return found


def decoded(text: str) -> str:
    """Return a text with its entities as characters; what is no entity stays.

    >>> decoded("Caf&eacute; R&amp;B &#8364;5 &unknown; AT&T"), decoded("Tom &amp;amp; Jerry")
    ('Café R&B €5 &unknown; AT&T', 'Tom & Jerry')
    """
    for _ in range(2):  # some exports escape what is escaped already
        if "&" not in text or not has_entities(text):
            break
        text = _ENTITY.sub(lambda found: _character(found[1]) or found[0], text)
    return text.replace("\xa0", " ")


def _stripped(text: str) -> str:
    for start, end in _UNREAD:
        text = _without(text, start, end)
    text = _WITHIN.sub("", _BLOCK.sub(" ", text))
    return _LINE.sub("\n", _RUN.sub(" ", text)).strip()


def _without(text: str, start: re.Pattern[str], end: re.Pattern[str]) -> str:
    """Cut out what stands between two marks, and the marks."""
    kept, at = [], 0
    while (begins := start.search(text, at)) and (ends := end.search(text, begins.end())):
        kept.append(text[at : begins.start()])
        at = ends.end()
    return " ".join([*kept, text[at:]])


def _character(name: str) -> str | None:
    if not name.startswith("#"):
        return html5.get(f"{name};")
    code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    if code < 32 and code not in (9, 10, 13):
        return " "
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else None
