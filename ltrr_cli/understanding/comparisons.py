"""How people say that a number is a bound, in the languages that are most often typed; folded, without punctuation."""

from __future__ import annotations


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.split(","))


# before the number
BELOW = _phrases(
    "under, below, less than, fewer than, cheaper than, smaller than, shorter than, lighter than, unter, weniger als, "
    "billiger als, gunstiger als, kleiner als, moins de, menos de, onder, minder dan, meno di, mindre an, alle"
)
AT_MOST = _phrases(
    "up to, at most, max, maximum, no more than, not more than, bis, bis zu, hochstens, jusqu a, hasta, tot, fino a"
)
ABOVE = _phrases(
    "over, above, more than, bigger than, larger than, longer than, heavier than, uber, mehr als, grosser als, "
    "plus de, mas de, boven, meer dan, piu di, mer an, yli"
)
AT_LEAST = _phrases(
    "at least, min, minimum, no less than, not less than, from, ab, mindestens, au moins, al menos, desde, "
    "minstens, vanaf"
)
SINCE = _phrases("since, seit, depuis, sinds, sedan")
AFTER = _phrases("after, newer than, later than, nach, apres, despues de, na, efter")
BEFORE = _phrases("before, older than, earlier than, vor, avant, antes de, voor, fore")
UNTIL = _phrases("until, till, by the end of, bis")

# behind it
OR_LESS = _phrases(
    "or less, or under, or below, or cheaper, or earlier, or older, or fewer, or smaller, and under, and below, "
    "and earlier, and older, max, maximum, oder weniger, ou moins, o menos"
)
OR_MORE = _phrases(
    "or more, or over, or above, or newer, or later, or higher, or bigger, and up, and over, and above, and newer, "
    "and later, and higher, onwards, onward, min, minimum, oder mehr, ou plus, o mas"
)

# around two
BETWEEN = (
    ("between", "and"), ("from", "to"), ("zwischen", "und"), ("von", "bis"), ("entre", "et"), ("entre", "y"),
    ("tussen", "en"),
)  # fmt: skip

MONEY = frozenset(
    _phrases("price, cost, costs, preis, prix, precio, prezzo, prijs, pris, preco, amount, msrp, rrp, kosten")
)
DECADES = {
    "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80,
    "nineties": 90, "zwanziger": 20, "dreissiger": 30, "vierziger": 40, "funfziger": 50, "sechziger": 60,
    "siebziger": 70, "achtziger": 80, "neunziger": 90,
}  # fmt: skip
