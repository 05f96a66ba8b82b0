"""What every section of the policy is made of: the kinds of numbers, a closed table, two numbers that contradict each other.

The sections are policy_figures.py, policy_triggers.py, policy_outside.py and policy_limits.py; they meet in policy.py.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator


class Contradiction(ValueError):
    """Two numbers that can not both stand; `field` is the one whose line is named."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError(f"write a number, not {json.dumps(value)}")
    return value


Severity = Annotated[int, Field(ge=1, le=5)]
Days = Annotated[int, Field(ge=1, le=3650)]
Count = Annotated[int, Field(ge=1, le=1000)]
Share = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
BaseAmount = Annotated[int, Field(ge=0, le=10**12)]  # whole units of the base currency
Grade = Literal["A", "B", "C", "D", "E"]
Tier = Literal["low", "medium", "high"]
Scale = tuple[Number, Number]  # [worst, best]

GRADES: Final[tuple[Grade, ...]] = ("A", "B", "C", "D", "E")


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    @field_validator("*", mode="before")
    @classmethod
    def _written_as_it_is(cls, value: Any, info: ValidationInfo) -> Any:
        """pydantic takes true for 1 and "2" for 2: a slip of the pen must not become a threshold."""
        wanted = cls.model_fields[info.field_name or ""].annotation
        if wanted is bool and not isinstance(value, bool):
            raise ValueError("write true or false")
        return _number(value) if wanted in (int, float) else value


def above(part: BaseModel, upper: str, lower: str, why: str) -> None:
    if getattr(part, lower) >= getattr(part, upper):
        raise Contradiction(lower, f"must be below {upper}: {why}")
