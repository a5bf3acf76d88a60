from __future__ import annotations

import pytest

from ltrr_cli.feedback.event_types import EventClass, event_type, folded_name

USUAL = {
    # Google Analytics 4
    "exposure": "view_item_list view_promotion view_search_results",
    "look": "view_item",
    "choice": "select_item select_promotion share select_content generate_lead file_download click",
    "commitment": "add_to_cart add_to_wishlist begin_checkout add_shipping_info add_payment_info purchase",
    "against": "remove_from_cart refund",
    "other": "search page_view session_start first_visit scroll user_engagement view_cart login",
}
OTHERS = [
    # OpenSearch UBI and its samples
    ("impression", "exposure"), ("product_hover", "exposure"), ("item_click", "choice"),
    ("product_purchase", "commitment"), ("page_exit", "other"), ("on_search", "other"), ("type_filter", "other"),
    ("click_through", "choice"),
    # Segment
    ("Product List Viewed", "exposure"), ("Product Clicked", "choice"), ("Product Viewed", "look"),
    ("Product Added", "commitment"), ("Product Removed", "against"), ("Order Completed", "commitment"),
    ("Order Refunded", "against"), ("Product Reviewed", "rating"), ("Cart Viewed", "other"),
    ("Products Searched", "other"),
    # Shopify
    ("product_viewed", "look"), ("product_added_to_cart", "commitment"), ("collection_viewed", "exposure"),
    ("checkout_completed", "commitment"), ("product_removed_from_cart", "against"), ("search_submitted", "other"),
    # Snowplow, Meta, Google Retail, Recombee, Coveo, Algolia
    ("list_view", "exposure"), ("promo_click", "choice"), ("transaction", "commitment"), ("AddToCart", "commitment"),
    ("ViewContent", "look"), ("detail-page-view", "look"), ("category-page-view", "exposure"),
    ("cartadditions", "commitment"), ("detailviews", "look"), ("documentOpen", "choice"),
    ("convertedObjectIDsAfterSearch", "commitment"),
    # public data sets
    ("addtocart", "commitment"), ("clicks", "choice"), ("carts", "commitment"), ("orders", "commitment"),
    ("buys", "commitment"), ("view", "exposure"), ("VIEWED", "exposure"), ("hover", "exposure"),
    ("mouseover", "exposure"),
    # what people write themselves
    ("unlike", "against"), ("not_interested", "against"), ("notInterested", "against"), ("report_spam", "against"),
    ("returned", "against"), ("thumbs-down", "against"), ("Downvoted", "against"), ("track_skip", "against"),
    ("cancel_order", "against"), ("swipe_left", "against"), ("dismissed", "against"), ("hidden", "against"),
    ("played", "choice"), ("song_play", "choice"), ("bookmarked", "choice"), ("thumbs_up", "choice"),
    ("tapped", "choice"), ("hotel_booked", "commitment"), ("bought", "commitment"), ("article_read", "choice"),
    ("job_apply", "commitment"), ("stars", "rating"), ("rated", "rating"), ("review", "rating"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"), [(name, of) for of, names in USUAL.items() for name in names.split()] + OTHERS
)
def test_a_usual_name_is_of_its_class(name, expected):
    found = event_type(name)
    assert found is not None
    assert found.event_class == expected


@pytest.mark.parametrize("name", ["frobnicate", "swipe_up", "kudos", "écouter", "Kauf", "item", "", "__", "👍"])
def test_what_no_table_knows_is_unknown(name):
    assert event_type(name) is None


def test_only_what_is_for_or_against_an_entity_counts():
    names = ("impression", "view_item", "click", "purchase", "skip", "refund")
    signs = {name: event_type(name).reward for name in names}
    assert signs == {"impression": 0.0, "view_item": 0.1, "click": 1.0, "purchase": 1.0, "skip": -0.3, "refund": -1.0}
    assert event_type("login").reward == event_type("view").reward == 0.0


@pytest.mark.parametrize(
    "names",
    [
        ("add_to_cart", "AddToCart", "ADD-TO-CART", "added to cart", "addtocart", "add"),
        ("click", "Clicked", "clicks", "CLICK", "click_through"),
        ("Produkt gesehen", "produkt_gesehen", "produktGesehen"),
    ],
)
def test_ways_of_writing_one_name_are_one_name(names):
    assert len({folded_name(name) for name in names}) == 1


def test_other_names_are_other_names():
    names = ["click", "play", "like", "unlike", "remove", "view_item", "view", "product_click", "👍", "👎"]
    assert len({folded_name(name) for name in names}) == len(names)


def test_every_class_has_names():
    assert {event_type(name).event_class for name, _ in OTHERS} == set(EventClass)
