"""Invented companies: names, countries, industries, owners. No real company is meant by any of them.

Names are built from syllables, so a chance likeness is possible and means nothing.
"""

from __future__ import annotations

from random import Random
from typing import Final

HEADS: Final = (
    *(
        "Bran",
        "Cor",
        "Dal",
        "Esk",
        "Fen",
        "Gar",
        "Hol",
        "Ist",
        "Jor",
        "Kel",
        "Lan",
        "Mar",
        "Nor",
        "Ost",
        "Pel",
    ),
    *(
        "Quin",
        "Ros",
        "Sel",
        "Tarn",
        "Ulv",
        "Var",
        "Wen",
        "Yar",
        "Zel",
        "Ard",
        "Bex",
        "Cald",
        "Dun",
        "Elm",
        "Fal",
    ),
)
LINKS: Final = ("", "a", "e", "i", "o", "en", "er")
TAILS: Final = (
    *("brook", "dale", "mond", "rick", "ston", "vane", "wick", "field", "gate", "ford", "holm", "mere"),
    *("bury", "crest", "lund", "moor", "pike", "shaw", "thorp", "well"),
)
INDUSTRIES: Final = (
    *("Packaging", "Fasteners", "Tooling", "Plastics", "Foods", "Textiles", "Furniture", "Chemicals"),
    *("Electricals", "Timber", "Paper", "Ceramics", "Logistics", "Machinery", "Coatings", "Bearings"),
    *("Instruments", "Hardware", "Glass", "Pumps", "Lighting", "Castings", "Labels", "Filters"),
)
FORMS: Final = {
    "US": ("Inc.", "LLC", "Corp."),
    "CA": ("Inc.", "Ltd."),
    "MX": ("SA de CV",),
    "GB": ("Ltd", "PLC"),
    "DE": ("GmbH", "AG"),
    "FR": ("SAS", "SA"),
    "NL": ("BV",),
    "IE": ("Ltd",),
    "ES": ("SL", "SA"),
    "IT": ("Srl", "SpA"),
}
COUNTRIES: Final = {
    "USD": ("US",) * 17 + ("CA",) * 2 + ("MX",),
    "EUR": ("DE", "DE", "DE", "FR", "FR", "NL", "NL", "IE", "ES", "IT"),
    "GBP": ("GB",),
}
OWNERS: Final = (
    *("credit-desk-north@seller.example", "credit-desk-south@seller.example"),
    *("credit-desk-export@seller.example", "key-accounts@seller.example"),
)


def company(rng: Random, currency: str) -> tuple[str, str, str]:
    """(name, country, industry) of an invented company that is billed in `currency`."""
    country = rng.choice(COUNTRIES[currency])
    industry = rng.choice(INDUSTRIES)
    stem = rng.choice(HEADS) + rng.choice(LINKS) + rng.choice(TAILS)
    second = f" {rng.choice(HEADS)}{rng.choice(TAILS)}" if rng.random() < 0.3 else ""
    return f"{stem}{second} {industry} {rng.choice(FORMS[country])}", country, industry.lower()
