"""The fields of the tantivy index."""

from __future__ import annotations

from typing import Any

from sahara_lab.market.catalog.prices import band_of, rounded
from sahara_lab.market.catalog.records import Record
from sahara_lab.market.names import FLAVORS

#: Characters of a word that the field of beginnings knows; longer beginnings are expanded from the dictionary.
EDGE = 12
#: The document that says what the index holds.
MARK = "position"
#: Parts the values that one column holds together; no text of a record has it.
JOINT = "\x1f"
#: Columns that are counted for facets, and the facets each of them tells. One column with one value for every record is
#: counted several times faster than three of which some have none or many.
COLUMNS = {"mix": ("kind", "price", "license"), "task": ("task",), "forms": ("format",), "tag": ("tag",),
           "owner": ("owner",)}  # fmt: skip

_ID_BITS = 29
_UNPRICED = (1 << 35) - 1
_PRICE_BITS = 27


def price_field(flavor: str | None) -> str:
    """The field with the cheapest price of a flavor; of any offer for None."""
    if flavor is None:
        return "price_any"
    return f"price_{FLAVORS.index(flavor)}" if flavor in FLAVORS else "price_custom"


def sort_key(sort: str, record: Record) -> int:
    """A number of 64 bits in whose order the records are listed, no two of them equal up to 2^29 assets.

    Its last bits are the id's. Prices keep 27 significant bits: closer ones count as equal.
    """
    if sort == "price":
        value = _UNPRICED if record.price is None else rounded(record.price, _PRICE_BITS)
    else:
        keys = {"newest": record.created, "popular": record.sold, "reputation": record.reputation}
        value = min(keys[sort], _UNPRICED)
    return value << _ID_BITS | record.id % (1 << _ID_BITS)


def columns(record: Record) -> dict[str, str]:
    """What the joint columns hold of a record."""
    price = "" if record.price is None else band_of(record.price)
    return {
        "mix": JOINT.join((record.kind, price, *sorted(record.licenses))),
        "forms": JOINT.join(sorted(record.formats)),
    }


def schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("id", indexed=True, fast=True)  # signed: deleting by an unsigned term finds nothing
    builder.add_text_field("head", tokenizer_name="plain", index_option="position")
    builder.add_text_field("edge", tokenizer_name="space", index_option="basic")
    builder.add_text_field("body", tokenizer_name="plain", index_option="position")
    for name in ("exact", "sign", "mark", "standing"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("kind", "license", "price", "format"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("task", "tag", "owner"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    for name in ("mix", "forms"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    for name in (price_field(None), *(price_field(flavor) for flavor in (*FLAVORS, "Custom"))):
        builder.add_unsigned_field(name, indexed=False, fast=True)
    for name in ("sold", "by_newest", "by_price", "by_popular", "by_reputation"):
        builder.add_unsigned_field(name, indexed=False, fast=True)
    builder.add_text_field("by_name", tokenizer_name="raw", index_option="basic", fast=True)
    for name in ("position", "prices"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", stored=True)
    return builder.build()


def analyzer() -> Any:
    """Cuts text into words: lower case, without accents."""
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.simple())
    for step in (Filter.lowercase(), Filter.ascii_fold(), Filter.remove_long(255)):
        builder = builder.filter(step)
    return builder.build()
