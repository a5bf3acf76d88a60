"""What the usual names of event types mean: one class a name, and what one action of it is worth.

``exposure``    it was on the screen (impression, list view, hover): no choice, counts nothing
``look``        its page was opened, perhaps from elsewhere (view_item, product_viewed): counts a little
``choice``      somebody chose it (click, play, like, share)
``commitment``  somebody spends money, time or a place on a list for it (add_to_cart, purchase)
``against``     somebody does not want it (skip, remove_from_cart, dislike, refund, report_spam)
``rating``      its value says how much somebody wants it, on a scale
``other``       says nothing of an entity (page_exit, login, scroll): counts nothing

Names are those that Google Analytics 4, OpenSearch UBI, Metarank, Algolia, Snowplow, Segment, Shopify, Meta's pixel,
Google Retail, Recombee, Coveo and public data sets use. Case, separators and the form of the verb do not matter:
``add_to_cart``, ``AddToCart``, ``Added to cart`` and ``addtocart`` are one name, and ``Product Clicked`` is ``click``.
A name that cannot be read so is unknown; what it is worth has to be said in the settings.

A bare ``view`` is an exposure: some systems write it for whatever was on the screen, and twenty of those a page would
drown one click.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

LOOK = 0.1  # of ten product pages that are opened about one leads to a cart


class EventClass(StrEnum):
    """What kind of evidence an event is."""

    EXPOSURE = "exposure"
    LOOK = "look"
    CHOICE = "choice"
    COMMITMENT = "commitment"
    AGAINST = "against"
    RATING = "rating"
    OTHER = "other"


class EventType(NamedTuple):
    """What a name means; ``reward`` is -1..1 (of a rating: at the upper end of its scale)."""

    event_class: EventClass
    reward: float


_TABLE: tuple[tuple[EventType, str], ...] = (
    (
        EventType(EventClass.EXPOSURE, 0.0),
        """view, see, seen, impression, exposure, expose, exposed, display, show, shown, render, serve, deliver,
        visible, viewable, appear, in view, in viewport, viewport, hover, mouse over, mouse enter, list view, view
        list, category view, view category, collection view, view collection, view item list, view product list,
        product list view, category page view, home page view, search page view, result page view, view result,
        result view, view search result, view promotion, promotion view, promo view, recommendation view, widget
        view, carousel view, browse view, served, search impression, list impression, listing view, browse result
        load, search result load, recommendation load, view item in list, banner view, ad view, ad impression,
        promotion impression""",
    ),
    (
        EventType(EventClass.LOOK, LOOK),
        """view item, view product, product view, detail, detail view, view detail, product detail, view item detail,
        pdp, pdp view, detail page view, product page view, item page view, document page view, view content,
        content view, quick view, quick look, quick shop, preview, peek, zoom, image zoom, gallery view, expand,
        visit, profile view, listing page view, dwell time, time on page, time spent, read time, watch time, listen
        time, view time, engagement time, document quickview, look, look at, view media""",
    ),
    (
        EventType(EventClass.CHOICE, 1.0),
        """click, click through, click thru, clickthrough, tap, press, select, select item, select content, choose,
        pick, open, dwell, play, watch, listen, stream, read, download, like, love, heart, superlike, super like,
        favorite, favourite, upvote, up vote, vote up, thumb up, thumbs up, star, bookmark, save, pin, collect,
        share, recommend, comment, reply, repost, retweet, follow, compare, add to compare, accept, use, contact,
        call, email, lead, generate lead, inquire, inquiry, enquire, enquiry, request quote, swipe right, launch,
        run, navigate, start, begin, video start, media start, media play, play start, playback start, stream start,
        helpful, relevant, interested, add to comparison, click item, list click, click position, promotion click,
        promo click, select promotion, view click, cta click, find location, customize product, swatch, choose
        variant, select variant, size select, watchlist, copy, print, export, cite, answer click, suggestion click,
        autocomplete click""",
    ),
    (
        EventType(EventClass.COMMITMENT, 1.0),
        """add, add to cart, add cart, cart add, cart, cart addition, basket, basket add, basket addition, add to
        basket, add to bag, add to trolley, add to order, add to list, add to shopping list, add to wishlist,
        wishlist add, wishlist, add wishlist, add to wish list, wishlist add to cart, add to favorite, add to
        favourite, favorite add, favourite add, add to playlist, playlist add, add to library, add to collection,
        add to queue, add to watchlist, add to calendar, add to registry, checkout, check out, begin checkout, start
        checkout, checkout start, initiate checkout, checkout complete, checkout step, checkout progress, checkout
        success, add payment info, add shipping info, payment info submit, payment info enter, checkout shipping
        info submit, checkout contact info submit, checkout address info submit, purchase, purchase complete,
        complete purchase, buy, buy now, order, order complete, complete order, order place, place order, order
        confirm, order create, order pay, order fulfill, transaction, conversion, convert, sale, sell, pay, payment,
        book, booking, reserve, reservation, rent, rental, hire, borrow, loan, hold, donate, bid, place bid,
        subscribe, subscription, start trial, trial start, enroll, enrol, apply, application, submit application,
        apply click, apply now, install, reorder, repurchase, complete, finish, video complete, media complete, play
        complete, watch complete, listen complete, read complete, course complete, sign contract, schedule,
        appointment, ticket purchase""",
    ),
    (
        EventType(EventClass.AGAINST, -1.0),
        """dislike, hate, downvote, down vote, vote down, thumb down, thumbs down, spam, report, report spam, mark
        spam, mark as spam, report abuse, flag, block, ban, hide, not interest, not interested, not relevant,
        irrelevant, not helpful, unhelpful, not for me, refund, return, order refund, order return, chargeback,
        charge back, complain, complaint, reject, decline, swipe left, see less, show less, show fewer, less like
        this, never show, dont show, do not show, dont recommend, do not recommend, negative feedback, feedback
        negative, negative, wrong result, bad result, purchase return, purchase refund, request refund, refund
        request, request return, return request""",
    ),
    (
        EventType(EventClass.AGAINST, -0.5),
        """remove, delete, remove from cart, cart remove, remove cart, cart removal, remove from basket, basket remove,
        remove from bag, remove from wishlist, wishlist remove, remove from list, remove from favorite, remove from
        favourite, remove favorite, remove favourite, remove from playlist, remove from library, remove from
        collection, remove from watchlist, remove like, unlike, unlove, unheart, unfavorite, unfavourite, unsave,
        unbookmark, unpin, unstar, unfollow, unsubscribe, unwatch, uncollect, cancel, order cancel, cancel order,
        cancel booking, booking cancel, cancel subscription, subscription cancel, cancellation, uninstall, delete
        from cart, cart delete, withdraw, purchase cancel, cancel purchase, unwishlist, favorite remove, favourite
        remove""",
    ),
    (
        EventType(EventClass.AGAINST, -0.3),
        """skip, pass, dismiss, ignore, bounce, quick back, pogo stick, pogo, swipe away, abandon, cart abandon, cart
        abandonment, abandon cart, checkout abandon, abandon checkout, snooze, short visit, early exit, skip track,
        next track""",
    ),
    (
        EventType(EventClass.RATING, 1.0),
        """rate, rating, ratings, review, stars, star rating, score, grade, vote, review rating, submit rating, submit
        review, rating submit, review submit, write review, user rating, explicit rating, relevance rating""",
    ),
    (
        EventType(EventClass.OTHER, 0.0),
        """search, query, search query, search submit, search term, on search, new search, page view, screen view, page
        exit, page enter, page load, page leave, page unload, page close, exit, leave, unload, load, focus, blur,
        scroll, scroll depth, session start, session end, first visit, first open, login, log in, logout, log out,
        sign in, sign out, sign up, signup, new user, new user entry, register, registration, complete registration,
        filter, filter apply, apply filter, sort, apply sort, facet, facet click, filter click, sort click, type
        filter, brand filter, product sort, product filter, paginate, next page, previous page, load more, show
        more, type, keystroke, autocomplete, suggest, suggestion, heartbeat, ping, error, exception, user
        engagement, view cart, cart view, shopping cart page view, cart open, close, view basket, form start, form
        submit, consent, app open, app launch, app close, app start, app background, button click, outbound click,
        menu click, tab click, page click, logo click, ad click, banner click, pause, resume, seek, buffer, stop,
        time update, progress, video progress, media pause, media seek, media stop, percent progress, volume,
        fullscreen, coupon, apply coupon, coupon apply, add coupon, notification, push, product search, search
        result, search refine, spell correction, did you mean, request response, ranking""",
    ),
)

# what an event may be about, and where: words that say nothing of what was done
_THINGS = frozenset(
    """product item entity object document doc article news story post content book ebook movie film series show song
    track album artist playlist video clip media podcast episode recipe job hotel property home house room apartment car
    vehicle flight trip tour restaurant place poi offer deal listing event course example app game file image photo
    picture asset sku variant goods merchandise title profile page detail talk paper publication dataset question answer
    id""".split()  # noqa: SIM905
)
_PLACES = frozenset(
    """search result serp hit list grid tile card thumbnail thumb link row position carousel slider widget shelf module
    recommendation recommended rec reco recs suggestion suggested related similar trending homepage catalog catalogue
    shop store category collection plp browse feed ecommerce ecom ee gtm ga web site mobile ios android ui frontend
    user ux customer client member listener viewer visitor reader event action interaction organic on the a an
    of in to from at by after for has was is been did""".split()  # noqa: SIM905
)
_IRREGULAR = {"bought": "buy", "chosen": "choose", "chose": "choose", "hidden": "hide", "paid": "pay", "sold": "sell",
              "saw": "see", "seen": "see", "shown": "show", "left": "leave", "sent": "send", "rsvp": "accept",
              "tapped": "tap", "ran": "run", "began": "begin", "begun": "begin"}  # fmt: skip

_POINTER = frozenset(("hover", "mouse", "mouseover", "over", "enter"))

# names that one reader gives and another system writes: a setting for either holds for both
_SAME = {"clickthrough": "click", "addtocart": "add", "watch": "play"}

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PARTS = re.compile(r"[^\W_]+")
_ENDINGS = (("s", ""), ("es", ""), ("ed", ""), ("d", ""), ("ing", ""), ("ing", "e"), ("ies", "y"), ("ied", "y"),
            ("ions", "ion"))  # fmt: skip


def _rows() -> dict[str, EventType]:
    found: dict[str, EventType] = {}
    for event_type, names in _TABLE:
        for name in names.replace("\n", " ").split(","):
            found.setdefault("".join(name.split()), event_type)
    return found


_KNOWN = _rows()
_WORDS = frozenset(word for _, names in _TABLE for word in re.findall(r"[a-z]+", names)) | _THINGS | _PLACES


def tokens_of(name: str) -> list[str]:
    """Cut a name into its words, lower case.

    >>> tokens_of("ecommerce.addToCart"), tokens_of("Product Clicked")
    (['ecommerce', 'add', 'to', 'cart'], ['product', 'clicked'])
    """
    apart = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name).replace("'", "").replace("’", "").replace("IDs", "Ids"))
    return [part.casefold() for part in _PARTS.findall(apart)]


def _stem(token: str) -> str:
    """Return the form of a word that the table has, or the word itself.

    >>> _stem("purchased"), _stem("skipped"), _stem("tapping"), _stem("kudos")
    ('purchase', 'skip', 'tap', 'kudos')
    """
    token = _IRREGULAR.get(token, token)
    if token in _WORDS and not token.endswith("s"):
        return token
    for ending, instead in _ENDINGS:
        if token.endswith(ending):
            stem = token[: len(token) - len(ending)] + instead
            single = stem[:-1] if len(stem) > 2 and stem[-1:] == stem[-2:-1] else stem
            for candidate in (stem, single):
                if len(candidate) > 1 and candidate in _WORDS:
                    return candidate
    return token


@lru_cache(maxsize=4_096)
def folded_name(name: str) -> str:
    """Return what two ways of writing one name have in common; settings are compared so.

    >>> folded_name("add_to_cart") == folded_name("Added To Cart") == folded_name("add")
    True
    >>> folded_name("click") == folded_name("play")
    False
    """
    key = "".join(map(_stem, tokens_of(name)))
    return _SAME.get(key, key) or name


@lru_cache(maxsize=4_096)
def event_type(name: str) -> EventType | None:
    """Return what a name of an event type means, or None where it is unknown.

    >>> str(event_type("removeFromCart").event_class), str(event_type("view_item_list").event_class)
    ('against', 'exposure')
    >>> event_type("Product Viewed").reward, event_type("frobnicate")
    (0.1, None)
    """
    tokens = tokens_of(name)
    stems = [_stem(token) for token in tokens]
    for words in (tokens, stems, *_without_objects(stems)):
        found = _KNOWN.get("".join(words))
        if found is not None:
            return found
    return _glued(tokens[0]) if len(tokens) == 1 else None


def _glued(token: str) -> EventType | None:
    """Read ``cartadditions``, ``detailviews``: words without anything between them, in another form."""
    for ending, instead in _ENDINGS:
        found = _KNOWN.get(token.removesuffix(ending) + instead) if token.endswith(ending) else None
        if found is not None:
            return found
    return None


def shows(name: str) -> bool:
    """Say whether a name means that an entity came into view, so that such events together tell a page.

    A bare ``view`` may mean more, and where a mouse was tells one line of many.

    >>> shows("impression"), shows("Product List Viewed"), shows("view"), shows("hover"), shows("click")
    (True, True, False, False, False)
    """
    found = event_type(name)
    if found is None or found.event_class is not EventClass.EXPOSURE:
        return False
    stems = list(map(_stem, tokens_of(name)))
    return stems not in (["view"], ["see"]) and not _POINTER & set(stems)


def _without_objects(stems: list[str]) -> list[list[str]]:
    """Return what is left of a name without the words of what it is about; a thing that was viewed was looked at."""
    told = [stem for stem in stems if stem not in _THINGS and stem not in _PLACES]
    if told == ["view"] and any(stem in _THINGS for stem in stems) and not any(stem in _PLACES for stem in stems):
        return [["view", "item"]]
    placed = [stem for stem in stems if stem not in _THINGS]
    if not told and len(stems) > 1:  # "hotel booked": the last word may be a thing and a verb
        return [stems[-1:]]
    return [placed, told]
