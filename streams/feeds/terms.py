"""Terms of payment as ledgers write them: the days until the whole amount is due. Discounts are not read."""

from __future__ import annotations

import re
from typing import Final

_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(\d{1,3})(?:\.0+)?",  # 30, 30.0
        r"(\d{1,3})\s*(?:d|days?|tage|jours|dias|giorni|dagen)?\.?\s*(?:net|netto|nett)?",  # 30 days, 30 days net
        r"(?:net|netto|nett|nt|n)\s*[/\-]?\s*(\d{1,3})\s*(?:d|days?|tage)?",  # net 30, NET30, n/30, NT30
        r"z0*(\d{1,3})",  # SAP's customers' own: Z030
        # 2/10 net 30
        r"\d+(?:[.,]\d+)?\s*%?\s*[/ ,-]\s*\d+\s*(?:days?)?[\s,;/-]*n(?:et|t)?\s*[/ ]?\s*(\d{1,3})\s*(?:d|days?)?",
    )
)
_AT_ONCE: Final = re.compile(
    r"(?:due\s+)?(?:up)?on\s+receipt|immediate(?:ly)?|at\s+once|cod|cash\s+on\s+delivery|cash|sofort",
    re.IGNORECASE,
)
LONGEST: Final = 730


def days(text: str) -> int | None:
    """The net days: 30 of 'NET30', 'Z030', '30 days', '2/10 net 30'; 0 of 'due on receipt'; None where it
    does not say."""
    plain = text.strip()
    if _AT_ONCE.fullmatch(plain):
        return 0
    for form in _FORMS:
        if match := form.fullmatch(plain):
            number = int(match[1])
            return number if number <= LONGEST else None
    return None
