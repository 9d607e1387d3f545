"""The rules for values as expressions of Spark, for strictly written texts only.

An expression is NULL for a malformed value and for one that is written in a less usual way, such as the date
2005/04/02. Where it is not NULL, it is the value of DuckDB's expression.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyspark.sql import functions as fn

from hanji.training.errors import DataError
from hanji.training.recommenders.data.moments import MILLION
from hanji.training.recommenders.data.raw import LATEST_TIME
from hanji.training.recommenders.data.sources.rows import INTEGER
from hanji.training.recommenders.data.sources.spark import OTHERWISE
from hanji.training.recommenders.data.sources.values import Rules

if TYPE_CHECKING:
    from pyspark.sql import Column

_NUMBER = r"\A[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\z"
_DATE = r"(?<year>[1-9]\d{3})-(?<month>\d{1,2})-(?<day>\d{1,2})"
_CLOCK = r"(?<hour>[01]?\d|2[0-3]):(?<minute>[0-5]\d)(?::(?<second>[0-5]\d)(?:\.(?<fraction>\d{1,9}))?)?"
_ZONE = r"Z| UTC|(?<sign>[+-])(?<east>0\d|1[0-5])(?::?(?<eastminute>[0-5]\d))?"
_ISO = rf"\A{_DATE}(?:[ T]{_CLOCK}(?:{_ZONE})?)?\z"
_CODES = {
    "%Y": r"(?<year>[1-9]\d{3})",
    "%m": r"(?<month>\d{2})",
    "%d": r"(?<day>\d{2})",
    "%H": r"(?<hour>[01]\d|2[0-3])",
    "%M": r"(?<minute>[0-5]\d)",
    "%S": r"(?<second>[0-5]\d)",
    "%f": r"(?<fraction>\d{6})",
}


def identifier_of(role: str, rules: Rules) -> Column:
    """The id of a role as text."""
    text = fn.col(role)
    return fn.when(matches(text, INTEGER), text) if rules.integer_ids else text


def number(role: str, *, comma: bool = False) -> Column:
    """A finite number."""
    text = fn.replace(role, fn.lit(","), fn.lit(".")) if comma else fn.col(role)
    value = fn.when(text.rlike(_NUMBER), text.try_cast("double"))
    return fn.when(fn.abs(value) < float("inf"), value)


def time(rules: Rules) -> Column | None:
    """The time of a row as a bigint; None if there are no times."""
    times = rules.times
    if times.sql is None:
        return None
    if not times.are_dates:
        value, scale = number("time"), MILLION if times.in_millionths else 1
        integer = fn.round(value * scale) if times.in_millionths else value
        return fn.when((value >= 0) & (value < LATEST_TIME / scale), integer.cast("bigint"))
    seconds, fraction = moment(times.format)
    return seconds * MILLION + fraction if times.in_millionths else seconds


def moment(time_format: str | None) -> tuple[Column, Column]:
    """A date and time in seconds since 1970, and its fraction of a second in microseconds."""
    pattern = _ISO if time_format is None else pattern_of(time_format)
    names = re.findall(r"\?<(\w+)>", pattern)

    def part(name: str) -> Column:
        if name not in names:
            return fn.lit("")
        return fn.regexp_extract("time", pattern, names.index(name) + 1)

    def count(name: str) -> Column:
        return fn.coalesce(part(name).try_cast("bigint"), fn.lit(0).cast("bigint"))

    day = fn.concat_ws("-", part("year"), *(fn.lpad(part(name), 2, "0") for name in ("month", "day")))
    days = fn.unix_date(day.try_cast("date")).cast("bigint")
    east = (count("east") * 60 + count("eastminute")) * fn.when(part("sign") == "-", -1).otherwise(1)
    minutes = (days * 24 + count("hour")) * 60 + count("minute") - east
    fraction = fn.rpad(fn.substring(part("fraction"), 1, 6), 6, "0").cast("bigint")
    return fn.when(fn.col("time").rlike(pattern), minutes * 60 + count("second")), fraction


def pattern_of(time_format: str) -> str:
    """A strptime format as a pattern; DataError for a format that Spark does not serve."""
    parts = re.findall(r"%.|[^%]+|%", time_format)
    codes = [part for part in parts if part.startswith("%")]
    if len(set(codes)) < len(codes) or not {"%Y", "%m", "%d"} <= set(codes) <= _CODES.keys():
        raise DataError(
            f"data.timestamp_format: Spark reads dates of {', '.join(_CODES)}, each once, with year, month "
            f"and day; found {time_format!r}; {OTHERWISE}, or write the times in ISO 8601"
        )
    return rf"\A{''.join(_CODES.get(part, re.escape(part)) for part in parts)}\z"


def matches(text: Column, pattern: str) -> Column:
    """Whether the whole text matches."""
    return text.rlike(rf"\A(?:{pattern})\z")


__all__ = ["identifier_of", "matches", "moment", "number", "time"]
