"""A YAML file, read so that every complaint about it names the place and what is allowed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

from gemini_realtime.checking import spelling_remedy
from gemini_realtime.errors import ConfigError, MissingDependencyError


class Value:
    """A piece of a YAML file, and where it stands.

    Args:
        data: as ruamel.yaml gives it, with the places of what is inside.
        path: the file.
        line: from 1, like `column`.
        column: see there.
    """

    def __init__(self, data: Any, path: Path, line: int, column: int) -> None:
        self._data = data
        self._places: Any = getattr(data, "lc", None)
        self._path = path
        self._line = line
        self._column = column

    def error(self, problem: str, remedy: str) -> ConfigError:
        """What is wrong here, to be raised."""
        return ConfigError(f"{self._path}:{self._line}:{self._column}: {problem}", remedy=remedy)

    @contextmanager
    def placing_errors(self) -> Iterator[None]:
        """Say of an error in the block that it is here, unless it names a place itself."""
        try:
            yield
        except MissingDependencyError:
            raise
        except ConfigError as error:
            if error.problem.startswith(f"{self._path}:"):
                raise
            raise self.error(error.problem, error.remedy) from None

    def is_text(self, text: str) -> bool:
        """Whether this is just that."""
        return bool(self._data == text)

    @property
    def is_object(self) -> bool:
        """Whether this is a mapping."""
        return isinstance(self._data, dict)

    def fields(self, allowed: Sequence[str], *, required: Sequence[str] = ()) -> dict[str, Value]:
        """The values of a mapping by their names.

        Raises:
            ConfigError: it is none, or has a name that is not allowed, or lacks one that is required.
        """
        remedy = f"allowed here: {', '.join(allowed)}"
        if not isinstance(self._data, dict):
            raise self.error("names and values are missing", remedy)
        for name in self._data:
            if name not in allowed:
                raise self._name(name).error(
                    f"there is no {str(name)!r}", spelling_remedy(name, allowed, choice=remedy)
                )
        for name in required:
            if name not in self._data:
                raise self.error(f"{name!r} is missing", remedy)
        return {name: self._value(name) for name in self._data}

    def items(self) -> list[Value]:
        """The values of a list.

        Raises:
            ConfigError: it is none, or is empty.
        """
        if not isinstance(self._data, list):
            raise self.error("a list is missing", "begin each of its lines with a dash")
        if not self._data:
            raise self.error("the list is empty", "give something to do, or leave this out")
        return [self._at(self._places.item, number, data) for number, data in enumerate(self._data)]

    def text(self) -> str:
        """A text that is not empty.

        Raises:
            ConfigError: it is something else.
        """
        if not isinstance(self._data, str) or not self._data.strip():
            raise self.error("a text is missing", "put what is not words in quotes")
        return str(self._data)

    def number(self, minimum: float, maximum: float = inf) -> float:
        """A finite number from `minimum` to `maximum`.

        Raises:
            ConfigError: it is something else.
        """
        number = self._data
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not is_number or not minimum <= number <= maximum or number == inf:
            limits = f"of {minimum:g} or more" if maximum == inf else f"from {minimum:g} to {maximum:g}"
            problem = f"{number} is out of range" if is_number else "a number is missing"
            raise self.error(problem, f"give one {limits}")
        return float(number)

    def truth(self) -> bool:
        """Yes or no.

        Raises:
            ConfigError: it is something else.
        """
        if not isinstance(self._data, bool):
            raise self.error("true or false is missing", "write one of the two")
        return self._data

    def object(self) -> dict[str, Any]:
        """A mapping as JSON has it.

        Raises:
            ConfigError: it is something else.
        """
        plain = self._plain()
        if not isinstance(plain, dict):
            raise self.error("names and values are missing", "give an object, as JSON has it")
        return plain

    def _value(self, name: Any) -> Value:
        return self._at(self._places.value, name, self._data[name])

    def _name(self, name: Any) -> Value:
        return self._at(self._places.key, name, None)

    def _at(self, place: Callable[[Any], tuple[int, int]], key: Any, data: Any) -> Value:
        try:
            line, column = place(key)
        except KeyError:  # it was merged into this from elsewhere, by `<<`
            return Value(data, self._path, self._line, self._column)
        return Value(data, self._path, line + 1, column + 1)

    def _plain(self) -> Any:
        match self._data:
            case dict():
                return {self._key(name): self._value(name)._plain() for name in self._data}
            case list():
                return [item._plain() for item in self.items()] if self._data else []
            case None | bool():
                return self._data
            case str() | int() | float():
                return next(kind(self._data) for kind in (str, int, float) if isinstance(self._data, kind))
        raise self.error("this is nothing that JSON has", "put a date, and what else is to be text, in quotes")

    def _key(self, name: Any) -> str:
        if not isinstance(name, str):
            raise self._name(name).error("a name is to be text", "put it in quotes")
        return str(name)


def read_yaml(path: Path) -> Value:
    """Read a file that holds one YAML document.

    Raises:
        ConfigError: it cannot be read, or is no YAML.
        MissingDependencyError: the extra [script] is not installed.
    """
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
    except ImportError as error:
        raise MissingDependencyError("a script in YAML", "script") from error
    try:
        return Value(YAML().load(path.read_text("utf-8")), path, 1, 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", remedy="give the path of a YAML file") from error
    except MarkedYAMLError as error:
        line, column = (error.problem_mark.line, error.problem_mark.column) if error.problem_mark else (0, 0)
        place = Value(None, path, line + 1, column + 1)
        raise place.error(f"this is not YAML: {error.problem}", "see https://yaml.org/spec/1.2.2") from error
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not YAML: {type(error).__name__}", remedy="write it in UTF-8") from error
