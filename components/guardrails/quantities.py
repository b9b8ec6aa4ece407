"""Amounts as Kubernetes writes them (kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity, 2026-11).

The kubernetes package knows them too, but takes 0.4 s of a preview to load.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_BINARY = {f"{unit}i": 1024**power for power, unit in enumerate("KMGTPE", 1)}
_DECIMAL = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("0.001"), "": Decimal(1), "k": Decimal(1000)}
_DECIMAL |= {unit: Decimal(1000**power) for power, unit in enumerate("MGTPE", 2)}
_UNITS = {**{unit: Decimal(size) for unit, size in _BINARY.items()}, **_DECIMAL}
_SHAPE = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)(?:([eE][+-]?[0-9]{1,4})|([A-Za-z]*))")
_LARGEST = Decimal(2**63 - 1)
"""Kubernetes caps larger amounts at this one."""


def amount(text: object) -> Decimal:
    """`500m`, `2Gi`, `1e3` or a number as a number; raises ValueError where it is none, or below zero."""
    found = _SHAPE.fullmatch(str(text))
    unit = found and (found[3] or "")
    if found is None or unit not in _UNITS:
        raise ValueError(f"{text!r} is no quantity")
    return min(Decimal(found[1] + (found[2] or "")) * _UNITS[unit], _LARGEST)


def written(number: Decimal) -> str:
    """A number as a quantity: in Mi where that is whole, in thousandths, rounded up to one, where it isn't whole."""
    number = (number * 1000).to_integral_value(ROUND_CEILING) / 1000
    if number % 1:
        return f"{(number * 1000).to_integral_value():f}m"
    mebi = number / _BINARY["Mi"]
    if number and not mebi % 1:
        return f"{mebi.to_integral_value():f}Mi"
    return f"{number.to_integral_value():f}"
