"""Results as a table in Parquet, one row for each call: a folder of files, each complete as soon as it is there.

That is how Spark, Dask and Ray write tables, and pandas, Polars, pyarrow and DuckDB read them:
https://arrow.apache.org/docs/python/dataset.html. A single file cannot be read before its end is written, hours later.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.evaluation.record import CallRecord, CallResult

try:
    import pyarrow
    from pyarrow import parquet
except ImportError as error:
    raise MissingDependencyError("a table in Parquet", "parquet") from error

ROWS_MAX: Final = 1000
AGE_MAX_S: Final = 30.0
"""So many rows, or so old, and a file is written: what is not yet written is lost when the process is killed."""

_NAME: Final = re.compile(r"part-(\d+)\.parquet")
_PLAIN: Final[dict[Any, Any]] = {
    str: pyarrow.string(),
    int: pyarrow.int64(),
    float: pyarrow.float64(),
    bool: pyarrow.bool_(),
}


class ParquetParts:
    """Writes results into a folder of Parquet files, as they come.

    Args:
        folder: is made; files of an earlier run in it are replaced, unless it goes on.
        resume: whether this goes on with what the folder has.

    Raises:
        MissingDependencyError: pyarrow is not installed.
    """

    def __init__(self, folder: Path, *, resume: bool = False) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._rows: list[dict[str, Any]] = []
        self._began = time.monotonic()
        parts = _parts(folder)
        if not resume:
            for part in parts:
                part.unlink()
        self._number = 1 + _number(parts[-1]) if parts and resume else 0

    def earlier(self) -> Iterable[CallResult]:
        """What the folder has."""
        return read_parts(self._folder)

    def add(self, result: CallResult) -> None:
        """Take a result."""
        self._rows.append(_row(result))
        if len(self._rows) >= ROWS_MAX or time.monotonic() - self._began >= AGE_MAX_S:
            self.close()

    def close(self) -> None:
        """Write what is not yet written."""
        self._began = time.monotonic()
        if not self._rows:
            return
        part = self._folder / f"part-{self._number:05}.parquet"
        unfinished = part.with_name(f".{part.name}")  # which readers of folders pass over
        parquet.write_table(pyarrow.Table.from_pylist(self._rows, SCHEMA), unfinished, compression="zstd")
        unfinished.replace(part)
        self._number += 1
        self._rows.clear()


def read_parts(folder: Path) -> Iterator[CallResult]:
    """The results in a folder that `ParquetParts` has written.

    Raises:
        ConfigError: a file cannot be read, or holds something else.
    """
    for part in _parts(folder):
        try:
            for batch in parquet.ParquetFile(part).iter_batches(ROWS_MAX):
                yield from map(_result, batch.to_pylist())
        except (OSError, pyarrow.ArrowException, msgspec.ValidationError) as error:
            raise ConfigError(
                f"{part} holds no results: {error}", remedy="name a folder that --parquet has written"
            ) from None


def _parts(folder: Path) -> list[Path]:
    return sorted((part for part in folder.glob("part-*.parquet") if _NAME.fullmatch(part.name)), key=_number)


def _number(part: Path) -> int:
    return int(part.name[len("part-") : -len(".parquet")])


@cache
def _fields(kind: type) -> dict[str, Any]:
    """What a record consists of, and of which types."""
    return {name: _present(of) for name, of in get_type_hints(kind).items()}


def _is_record(kind: Any) -> bool:
    return is_dataclass(kind)


def _present(kind: Any) -> Any:
    """A type without the None that it may be."""
    if get_origin(kind) not in (Union, UnionType):
        return kind
    (present,) = (of for of in get_args(kind) if of is not type(None))
    return present


def _type(kind: Any) -> Any:
    """In which column such values are kept; what is free in form is a text, in JSON."""
    if get_origin(kind) is list:
        return pyarrow.list_(_type(get_args(kind)[0]))
    if _is_record(kind):
        return pyarrow.struct([(name, _type(of)) for name, of in _fields(kind).items()])
    return _PLAIN.get(kind, pyarrow.string())


def _cell(value: Any, kind: Any) -> Any:
    if value is None or kind in _PLAIN:
        return value
    if get_origin(kind) is list:
        return [_cell(item, get_args(kind)[0]) for item in value]
    if _is_record(kind):
        return {name: _cell(getattr(value, name), of) for name, of in _fields(kind).items()}
    return json.dumps(value, ensure_ascii=False, default=str)


def _value(cell: Any, kind: Any) -> Any:
    if cell is None or kind in _PLAIN:
        return cell
    if get_origin(kind) is list:
        return [_value(item, get_args(kind)[0]) for item in cell]
    if _is_record(kind):
        return {name: _value(cell[name], of) for name, of in _fields(kind).items() if name in cell}
    return json.loads(cell)


def _row(result: CallResult) -> dict[str, Any]:
    """The record's columns stand beside those of the result, as does what follows from them."""
    row = _cell(result, CallResult)
    return {**row, **row.pop("record"), "passed": result.passed, "failures": result.failures}


def _result(row: dict[str, Any]) -> CallResult:
    record = _value(row, CallRecord)
    return msgspec.convert({**_value(row, CallResult), "record": record}, CallResult)


SCHEMA: Final = pyarrow.schema(
    [
        *((name, _type(of)) for name, of in _fields(CallResult).items() if name != "record"),
        *((name, _type(of)) for name, of in _fields(CallRecord).items()),
        ("passed", pyarrow.bool_()),
        ("failures", pyarrow.list_(pyarrow.string())),
    ]
)
"""The columns."""
