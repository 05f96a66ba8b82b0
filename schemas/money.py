"""Money: decimal strings on the wire, whole minor units inside; nothing is rounded, no float touched.

The ISO 4217 table lives here; rates between currencies do not (agents/rates.py).
"""

from __future__ import annotations

import re
from typing import Final

# The active list of ISO 4217, grouped by the digits behind the point; funds codes, metals and test codes are
# left out, the indexed units of account that invoices are written in (CLF, UYI, UYW) are not.
_TWO_DIGITS: Final = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY
    COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF
    IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR
    MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG
    SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES
    WST XCD XCG YER ZAR ZMW ZWG
"""
_NO_DIGITS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS: Final = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS: Final = "CLF UYW"
# Withdrawn since 2020, still found in the ledgers that a backfill brings (all with two digits).
_WITHDRAWN: Final = "ANG BGN CUC HRK SLL ZWL"

EXPONENTS: Final[dict[str, int]] = dict(
    sorted(
        (code, digits)
        for codes, digits in (
            (_NO_DIGITS, 0),
            (_TWO_DIGITS, 2),
            (_WITHDRAWN, 2),
            (_THREE_DIGITS, 3),
            (_FOUR_DIGITS, 4),
        )
        for code in codes.split()
    )
)
"""ISO 4217 code -> digits behind the decimal point (JPY 0, USD 2, KWD 3, CLF 4)."""

MAX_DIGITS: Final = 18
"""Digits of an amount in minor units: what a signed 64-bit integer always holds."""

_FORM: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")


def minor(amount: str, currency: str) -> int:
    """The amount in minor units, exactly: minor("12.5", "USD") == 1250, minor("12", "JPY") == 12.

    Fewer decimals than the currency has are padded. Raises ValueError, with a sentence for people, when the
    currency is unknown, the decimals are too many, the digits are more than MAX_DIGITS in minor units, or
    the text is anything but digits with at most one point between them: no exponent, no "+", no blanks, no
    separators of thousands. A leading "-" is read; whether a negative amount makes sense, the field says.
    """
    try:
        places = EXPONENTS[currency]
        if places == 2 and amount[-3] == ".":  # the usual text, without the regular expression
            whole = amount[:-3]
            digits = whole + amount[-2:]
            if whole and len(digits) <= MAX_DIGITS and digits.isascii() and digits.isdigit():
                return int(digits)
    except (KeyError, IndexError, TypeError):
        pass  # told apart below
    return _minor(amount, currency)


def _minor(amount: str, currency: str) -> int:
    """Any text: the sign, the padding and the reasons for a refusal."""
    places = EXPONENTS.get(currency) if isinstance(currency, str) else None
    if places is None:
        raise ValueError(f"unknown currency {currency!r}: wanted an ISO 4217 code such as USD")
    form = _FORM.fullmatch(amount) if isinstance(amount, str) else None
    if form is None:
        raise ValueError(f"{amount!r} is no amount: wanted digits with at most one point, such as 1250.00")
    sign, whole, decimals = form[1], form[2], form[3] or ""
    if len(decimals) > places:
        raise ValueError(f"{amount!r} has {len(decimals)} decimals: {currency} has {places}")
    digits = whole + decimals.ljust(places, "0")
    if len(digits.lstrip("0")) > MAX_DIGITS:
        raise ValueError(f"{amount!r} has more than {MAX_DIGITS} digits in minor units of {currency}")
    return -int(digits) if sign else int(digits)


def half_even(numerator: int, denominator: int) -> int:
    """The quotient rounded half to even, as round(Fraction) does it. The denominator is positive."""
    whole, rest = divmod(numerator, denominator)
    rest *= 2
    return whole + (rest > denominator or (rest == denominator and whole & 1))


def text(minor: int, currency: str) -> str:
    """An amount in minor units as a decimal string with all its decimals: text(1250, "USD") == "12.50".

    The inverse of minor(). Raises ValueError when the currency is unknown.
    """
    try:
        places = EXPONENTS[currency]
    except (KeyError, TypeError):
        raise ValueError(f"unknown currency {currency!r}: wanted an ISO 4217 code such as USD") from None
    if not places:
        return str(minor)
    digits = str(minor) if minor >= 0 else str(-minor)
    if len(digits) <= places:
        digits = digits.zfill(places + 1)
    return f"{'-' if minor < 0 else ''}{digits[:-places]}.{digits[-places:]}"
