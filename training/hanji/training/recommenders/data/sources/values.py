"""The values of interactions: ids as they are written, ratings and times as numbers, in SQL.

The engine's table ``raw`` has the texts of the files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hanji.training.errors import DataError
from hanji.training.recommenders.data.moments import MILLION, Clock
from hanji.training.recommenders.data.raw import CANONICAL_INTEGER, LATEST_TIME
from hanji.training.recommenders.data.sources.engine import Engine, literal
from hanji.training.recommenders.data.sources.malformed import number_of

SAMPLE = 1000


@dataclass(frozen=True)
class Options:
    """What the format of the files determines."""

    integer_ids: bool = False
    """Whether an id that is not a canonical integer makes the line malformed."""

    time_format: str | None = None
    """A strptime format; without it, times are numbers or in ISO 8601."""

    order_is_time: bool = False
    """Whether the position in the files is the time."""


@dataclass(frozen=True)
class Times:
    """How times are read: ``sql`` is NULL for a malformed time; None if there are no times."""

    sql: str | None
    is_valid: Callable[[str], bool] = bool
    expected: str = ""
    note: str = ""
    are_dates: bool = False
    format: str | None = None
    """The strptime format of dates; None for ISO 8601."""

    in_millionths: bool = False


@dataclass(frozen=True)
class Rules:
    """How the texts of ``raw`` become values, as SQL expressions that are NULL for a malformed value."""

    user: str
    item: str
    rating: str | None
    times: Times
    integer_ids: bool
    decimal_comma: bool
    notes: tuple[str, ...]
    """What was decided by looking at the values."""

    @property
    def time(self) -> str | None:
        """The time of a row, if there are times."""
        return self.times.sql

    @property
    def clock(self) -> Clock:
        """What the times of the rows mean."""
        return Clock(self.times.are_dates, MILLION if self.times.in_millionths else 1)

    @property
    def valid(self) -> str:
        """True for a row whose values are all valid."""
        return f"{self.valid_but_time} AND {self.time} IS NOT NULL" if self.time else self.valid_but_time

    @property
    def valid_but_time(self) -> str:
        """True for a row whose values, the time left aside, are all valid."""
        return " AND ".join(f"{value} IS NOT NULL" for value in (self.user, self.item, self.rating) if value)

    def problem(self, values: Mapping[str, str]) -> str:
        """What is wrong with the texts of one line, by role; "" if nothing is."""
        for role in ("user", "item"):
            if not values[role]:
                return f"{role} is empty"
            if self.integer_ids and not CANONICAL_INTEGER.fullmatch(values[role]):
                return f"{role} {values[role][:40]!r} is not an integer"
        if self.rating:
            text = values["rating"].replace(",", ".") if self.decimal_comma else values["rating"]
            if not math.isfinite(number_of(text)):
                return f"rating {values['rating'][:40]!r} is not a number"
        if "time" in values and self.time and not self.times.is_valid(values["time"]):
            return f"expected a {self.times.expected}, found {values['time'][:40] or 'none'}"
        return ""


def rules_for(engine: Engine, roles: Mapping[str, str], where: str, options: Options | None = None) -> Rules:
    """The rules for the texts in ``raw``, decided by looking at some of them; DataError names ``where``.

    ``roles`` are the columns by role.
    """
    options = options or Options()
    user, item = (_id(role, options.integer_ids) for role in ("user", "item"))
    comma = "rating" in roles and _has_decimal_commas(engine)
    rating = _number("rating", comma) if "rating" in roles else None
    notes = ["ratings are read with a decimal comma"] if comma else []
    times = _no_times(options) if "time" not in roles else _times(engine, where, options.time_format)
    notes += [times.note] if times.note else []
    return Rules(user, item, rating, times, options.integer_ids, comma, tuple(notes))


def _no_times(options: Options) -> Times:
    return Times("raw.row" if options.order_is_time else None)


def _times(engine: Engine, where: str, time_format: str | None) -> Times:
    if not engine.row("SELECT count(time) FROM raw")[0]:
        return Times(None, note=f"{where} is empty: there are no times")
    is_date = bool(time_format) or _are_dates(engine, where)
    return _dates(engine, time_format) if is_date else _numeric_times(engine)


def _id(role: str, integer: bool) -> str:
    text, pattern = f'raw."{role}"', literal(CANONICAL_INTEGER.pattern)
    return f"CASE WHEN regexp_full_match({text}, {pattern}) THEN {text} END" if integer else text


def _number(role: str, comma: bool = False) -> str:
    text = f"replace(\"{role}\", ',', '.')" if comma else f'"{role}"'
    # The engine reads 1_000 as a number, and "nan" and "inf" too.
    number = f"TRY_CAST(CASE WHEN NOT contains({text}, '_') THEN {text} END AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _has_decimal_commas(engine: Engine) -> bool:
    found = engine.row(
        "SELECT count(*) > 0 AND bool_and(regexp_full_match(rating, '[+-]?[0-9]+(,[0-9]+)?')) "
        "AND bool_or(contains(rating, ',')) "
        f"FROM (SELECT rating FROM raw WHERE rating IS NOT NULL LIMIT {SAMPLE})"
    )[0]
    return bool(found)


def _are_dates(engine: Engine, where: str) -> bool:
    """Whether most of the first times are dates rather than numbers; DataError if they are neither."""
    sample = f"(SELECT time FROM raw WHERE time IS NOT NULL LIMIT {SAMPLE})"
    numbers, dates, rows, example = engine.row(
        f"SELECT count({_number('time')}), count(TRY_CAST(time AS TIMESTAMPTZ)), count(*), min(time) "
        f"FROM {sample}"
    )
    if rows and not numbers and not dates:
        raise DataError(
            f"{where}: expected times as numbers, or in ISO 8601 such as 2005-04-02 23:53:47, found "
            f'{example[:40]!r}; set data.timestamp_format, such as "%d/%m/%Y %H:%M", or '
            'data.timestamp_column = "" to do without times'
        )
    return bool(dates > numbers)


def _numeric_times(engine: Engine) -> Times:
    """Times that are numbers; with fractions in millionths, which keeps their order and their distances."""
    number, latest = _number("time"), LATEST_TIME
    integer, note = f"CAST({number} AS BIGINT)", ""
    if engine.row(f"SELECT bool_or({number} <> floor({number})) FROM raw")[0]:
        latest /= MILLION
        integer = f"CAST(round({number} * {MILLION}) AS BIGINT)"
        note = "times have fractions and are stored in millionths"
    sql = f"CASE WHEN {number} >= 0 AND {number} < {latest} THEN {integer} END"
    return Times(sql, _is_number, "time of at least 0", note, in_millionths=bool(note))


def _dates(engine: Engine, time_format: str | None) -> Times:
    """Dates and times in seconds since 1970, or in microseconds if any has a fraction of a second."""
    moment = _moment(time_format)
    _check_format(engine, time_format)
    fractions = engine.row(f"SELECT bool_or(epoch_us({moment}) % {MILLION} <> 0) FROM raw")[0]
    time = f"epoch_us({moment})" if fractions else f"epoch_us({moment}) // {MILLION}"
    unit = "microseconds" if fractions else "seconds"
    check = f"SELECT isfinite({_moment(time_format, '?')})"
    return Times(
        f"CASE WHEN isfinite({moment}) THEN {time} END",  # the engine has dates such as infinity
        lambda text: engine.row(check, text)[0] is True,
        "date and time",
        f"times are read as dates, in {unit} since 1970; in UTC unless they name a time zone",
        are_dates=True,
        format=time_format,
        in_millionths=bool(fractions),
    )


def _check_format(engine: Engine, time_format: str | None) -> None:
    import duckdb

    try:
        engine.run(f"SELECT {_moment(time_format, '?')}", "")
    except duckdb.InvalidInputException as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"data.timestamp_format: {reason}; use codes of strptime, such as %Y-%m-%d") from None


def _moment(time_format: str | None, text: str = "time") -> str:
    if time_format is None:
        return f"TRY_CAST({text} AS TIMESTAMPTZ)"
    return f"TRY_CAST(try_strptime({text}, {literal(time_format)}) AS TIMESTAMPTZ)"


def _is_number(text: str) -> bool:
    return 0 <= number_of(text) < LATEST_TIME


__all__ = ["SAMPLE", "Options", "Rules", "rules_for"]
