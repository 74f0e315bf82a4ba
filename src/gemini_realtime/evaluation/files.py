"""Results in files: JSON lines to be read again, JUnit's XML for CI, Parquet for tables of millions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import msgspec

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.evaluation.record import CallResult

_UNPRINTABLE: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_json_line(result: CallResult) -> str:
    """A result as one line of JSON, which `read_results` reads."""
    return json.dumps({**asdict(result), "passed": result.passed}, ensure_ascii=False, default=str)


def read_results(path: Path) -> list[CallResult]:
    """The results in a file of JSON lines.

    Raises:
        ConfigError: the file cannot be read, or a line of it is no result.
    """
    return list(_results(path))


def write_junit(path: Path, suite: str, results: Iterable[CallResult]) -> None:
    """The results as test cases, one for each call."""
    results = list(results)
    root = ElementTree.Element(
        "testsuite",
        name=suite,
        tests=str(len(results)),
        failures=str(sum(not result.passed and not result.error for result in results)),
        errors=str(sum(bool(result.error) for result in results)),
        time=f"{sum(result.took_s for result in results):.3f}",
    )
    for result in results:
        name = f"{result.scene} [seed {result.seed}]"
        case = ElementTree.SubElement(root, "testcase", classname=suite, name=name, time=f"{result.took_s:.3f}")
        if result.passed:
            continue
        kind = "error" if result.error else "failure"
        failure = ElementTree.SubElement(case, kind, message=_printable(result.failures[0]))
        failure.text = _printable("\n".join([*result.failures, "", *_told(result)]))
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def write_parquet(path: Path, results: Sequence[CallResult]) -> None:
    """The results as a table, one row for each call.

    Raises:
        MissingDependencyError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependencyError("a table in Parquet", "parquet") from error
    rows = [_row(result) for result in results]
    schema = pyarrow.schema(
        [
            ("scene", pyarrow.string()),
            ("seed", pyarrow.int64()),
            ("passed", pyarrow.bool_()),
            ("error", pyarrow.string()),
            ("failures", pyarrow.list_(pyarrow.string())),
            ("answered_after_s", pyarrow.list_(pyarrow.float64())),
            ("stopped_after_s", pyarrow.list_(pyarrow.float64())),
            ("tools", pyarrow.list_(pyarrow.string())),
            ("resumed", pyarrow.int64()),
            ("lasted_s", pyarrow.float64()),
            ("took_s", pyarrow.float64()),
            ("conversation", pyarrow.string()),
        ]
    )
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema), path)


def _results(path: Path) -> Iterator[CallResult]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", remedy="name a file that --json has written") from None
    for number, line in enumerate(lines, 1):
        try:
            yield msgspec.json.decode(line, type=CallResult)
        except msgspec.MsgspecError as error:
            problem = f"{path}:{number}: this is no result: {error}"
            raise ConfigError(problem, remedy="name a file that --json has written") from None


def _row(result: CallResult) -> dict[str, Any]:
    record = result.record
    return {
        "scene": result.scene,
        "seed": result.seed,
        "passed": result.passed,
        "error": result.error,
        "failures": [] if result.error else result.failures,
        "answered_after_s": record.answered_after_s,
        "stopped_after_s": record.stopped_after_s,
        "tools": [tool.name for tool in record.tools],
        "resumed": record.resumed,
        "lasted_s": record.lasted_s,
        "took_s": result.took_s,
        "conversation": "\n".join(_told(result)),
    }


def _told(result: CallResult) -> list[str]:
    return [f"{line.at_s:7.2f} s  {line.role:<6}  {line.text}" for line in result.record.turns]


def _printable(text: str) -> str:
    """Without what XML 1.0 cannot hold: https://www.w3.org/TR/xml/#charsets."""
    return _UNPRINTABLE.sub("?", text)
