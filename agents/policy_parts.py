"""What every section of the policy is made of: the kinds of numbers, a closed table, two numbers that contradict each other.

The sections are policy_figures.py, policy_triggers.py, policy_outside.py and policy_limits.py; they meet in policy.py.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from schemas.outputs import Grade


class Contradiction(ValueError):
    """Two numbers that can not both stand; `field` is the one whose line is named, a dotted path from the part that says
    so, or its keys where one holds a dot."""

    def __init__(self, field: str | tuple[str, ...], reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.path = tuple(field.split(".")) if isinstance(field, str) else field
        self.reason = reason


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError(f"write a number, not {json.dumps(value)}")
    return value


# Every number has a least and a greatest: a slip of the pen by some zeros must not switch a rule off in silence, and what
# is computed from it stays a number.
Severity = Annotated[int, Field(ge=1, le=5)]
Days = Annotated[int, Field(ge=1, le=3650)]
Count = Annotated[int, Field(ge=1, le=1000)]
Share = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(ge=0.001, le=1000)]
Times = Annotated[float, Field(ge=1, le=1000)]
Weight = Annotated[float, Field(ge=0, le=1000)]
Points = Annotated[float, BeforeValidator(_number), Field(ge=0, le=100)]
Lateness = Annotated[float, BeforeValidator(_number), Field(ge=-3650, le=3650)]  # days, negative when early
Ratio = Annotated[float, BeforeValidator(_number), Field(ge=-1000, le=1000)]
BaseAmount = Annotated[int, Field(ge=0, le=10**12)]  # whole units of the base currency
Scale = tuple[Ratio, Ratio]  # [worst, best]

GRADES: Final[tuple[Grade, ...]] = get_args(Grade)


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


def not_below(part: BaseModel, upper: str, lower: str, why: str) -> None:
    if getattr(part, lower) > getattr(part, upper):
        raise Contradiction(lower, f"must not be above {upper}: {why}")


def no_gap(field: str, grades: tuple[Grade, ...], *, from_worst: bool) -> None:
    """`grades` are the best ones or the worst ones, as many as they are: none between is left out."""
    order = GRADES[::-1] if from_worst else GRADES
    for grade in order[: len(set(grades))]:
        if grade not in grades:
            raise Contradiction(field, f"{grade} is {'worse' if from_worst else 'better'} and left out")
