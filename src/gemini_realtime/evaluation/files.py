"""Results in files, written as they come: JSON lines to be read again, JUnit's XML for CI."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final, Protocol
from xml.etree import ElementTree

import msgspec

from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.record import CallResult

_UNPRINTABLE: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Sink(Protocol):
    """Where results are kept."""

    def earlier(self) -> Iterable[CallResult]:
        """What it has from a run before, with which this one goes on."""
        ...

    def add(self, result: CallResult) -> None:
        """Take a result."""
        ...

    def close(self) -> None:
        """Write what is not yet written."""
        ...


def taken_over(sinks: Sequence[Sink]) -> Iterator[CallResult]:
    """What these have from a run before, each call once; they get from each other what they lack."""
    have = [{(result.scene, result.seed) for result in sink.earlier()} for sink in sinks]
    known: set[tuple[str, int]] = set()
    for sink in sinks:
        for result in sink.earlier():
            call = (result.scene, result.seed)
            if call in known:
                continue
            known.add(call)
            for other, calls in zip(sinks, have, strict=True):
                if call not in calls:
                    other.add(result)
            yield result


def to_json_line(result: CallResult) -> str:
    """A result as one line of JSON, which `read_results` reads."""
    return json.dumps({**asdict(result), "passed": result.passed}, ensure_ascii=False, default=str)


def read_results(path: Path) -> Iterator[CallResult]:
    """The results in a file of JSON lines, or in a folder of Parquet.

    A last line that was not written to its end, since the process was killed, is left out.

    Raises:
        ConfigError: the file cannot be read, or a line of it is no result.
        MissingDependencyError: it is Parquet, and pyarrow is not installed.
    """
    if path.is_dir():
        from gemini_realtime.evaluation.parquet import read_parts

        return read_parts(path)
    return _results(path)


class JsonLines:
    """Writes results into a file of JSON lines, as they come: each is in the file when `add` returns.

    Args:
        path: is overwritten, unless this goes on with what it has.
        resume: whether it does.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        if resume and path.exists():
            _end_last_line(path)
        self._path = path
        self._file = path.open("a" if resume else "w", encoding="utf-8", newline="\n")

    def earlier(self) -> Iterable[CallResult]:
        """See `Sink`."""
        return read_results(self._path)

    def add(self, result: CallResult) -> None:
        """Write a result."""
        print(to_json_line(result), file=self._file, flush=True)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class JUnit:
    """Collects results as JUnit's test cases, one for each call, and writes them when it is closed.

    Args:
        path: of the file.
        suite: its name.
    """

    def __init__(self, path: Path, suite: str) -> None:
        self._path = path
        self._suite = suite
        self._cases: list[tuple[str, int, ElementTree.Element]] = []
        self._errors = 0
        self._failures = 0
        self._took_s = 0.0

    def earlier(self) -> Iterable[CallResult]:
        """Nothing: what is in the file is not all of what came of a call."""
        return ()

    def add(self, result: CallResult) -> None:
        """Take a result."""
        self._errors += bool(result.error)
        self._failures += not result.passed and not result.error
        self._took_s += result.took_s
        name = f"{result.scene} [seed {result.seed}]"
        case = ElementTree.Element("testcase", classname=self._suite, name=name, time=f"{result.took_s:.3f}")
        if not result.passed:
            kind = "error" if result.error else "failure"
            failure = ElementTree.SubElement(case, kind, message=_printable(result.failures[0]))
            failure.text = _printable("\n".join([*result.failures, "", *_told(result)]))
        if result.judgements:
            ElementTree.SubElement(case, "system-out").text = _printable("\n".join(_judged(result)))
        self._cases.append((result.scene, result.seed, case))

    def close(self) -> None:
        """Write the file: scenes by their names, calls by their seeds."""
        root = ElementTree.Element(
            "testsuite",
            name=self._suite,
            tests=str(len(self._cases)),
            failures=str(self._failures),
            errors=str(self._errors),
            time=f"{self._took_s:.3f}",
        )
        root.extend(case for *_, case in sorted(self._cases, key=lambda case: case[:2]))
        ElementTree.ElementTree(root).write(self._path, encoding="utf-8", xml_declaration=True)


def _results(path: Path) -> Iterator[CallResult]:
    remedy = "name a file that --json has written"
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield msgspec.json.decode(line, type=CallResult)
                except msgspec.MsgspecError as error:
                    if not line.endswith(b"\n"):
                        return
                    raise ConfigError(f"{path}:{number}: this is no result: {error}", remedy=remedy) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error}", remedy=remedy) from None


def _end_last_line(path: Path) -> None:
    """What follows stands in lines of its own, also after a process that was killed while it wrote one."""
    with path.open("rb+") as file:
        file.truncate(sum(len(line) for line in file if line.endswith(b"\n")))


def _told(result: CallResult) -> list[str]:
    return [f"{line.at_s:7.2f} s  {line.role:<6}  {line.text}" for line in result.record.turns]


def _judged(result: CallResult) -> Iterator[str]:
    for judgement in result.judgements:
        yield f"judge: {judgement.statement}: {judgement.verdict}: {judgement.reason}"


def _printable(text: str) -> str:
    """Without what XML 1.0 cannot hold: https://www.w3.org/TR/xml/#charsets."""
    return _UNPRINTABLE.sub("?", text)
