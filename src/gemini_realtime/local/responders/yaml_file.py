"""A YAML file, read so that every complaint about it names the place and what is allowed there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any, Final

from gemini_realtime.checking import shown, spelling_remedy
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

    def bare_word(self) -> str | None:
        """A text that stands alone, also as a name without a value: `listens`, `listens:`."""
        if isinstance(self._data, dict) and [*self._data.values()] == [None]:
            return str(next(iter(self._data)))
        return str(self._data) if isinstance(self._data, str) else None

    def has_any(self, names: Iterable[str]) -> bool:
        """Whether this is a mapping with one of these names."""
        return isinstance(self._data, dict) and any(name in self._data for name in names)

    def names(self) -> list[Value]:
        """The names of a mapping.

        Raises:
            ConfigError: it is none.
        """
        return [self._at(self._places.key, name, name) for name in self.object()]

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
            raise self.error(f"{self._shown()} is no list", "begin each of its lines with a dash")
        if not self._data:
            raise self.error("the list is empty", "give something to do, or leave this out")
        return [self._at(self._places.item, number, data) for number, data in enumerate(self._data)]

    def text(self) -> str:
        """A text that is not empty.

        Raises:
            ConfigError: it is something else.
        """
        if not isinstance(self._data, str) or not self._data.strip():
            raise self.error(f"{self._shown()} is no text", "write some; put what is not words in quotes")
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
            problem = f"{number} is out of range" if is_number else f"{self._shown()} is no number"
            raise self.error(problem, f"give one {limits}")
        return float(number)

    def truth(self) -> bool:
        """Yes or no.

        Raises:
            ConfigError: it is something else.
        """
        if not isinstance(self._data, bool):
            raise self.error(f"{self._shown()} is neither true nor false", "write one of the two")
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

    def _shown(self) -> str:
        """What is here, in an error."""
        if self._data is None:
            return "nothing"
        return "this" if isinstance(self._data, dict | list) else shown(self._data)

    def _value(self, name: Any) -> Value:
        data = self._data[name]
        place = self._places.key if data is None else self._places.value  # of nothing that is where the next begins
        return self._at(place, name, data)

    def _name(self, name: Any) -> Value:
        return self._at(self._places.key, name, None)

    def _at(self, place: Callable[[Any], tuple[int, int]], key: Any, data: Any) -> Value:
        try:
            line, column = place(key)
        except (KeyError, TypeError):  # it was merged into this from elsewhere, by `<<`
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


_REMEDIES: Final = {
    "mapping values are not allowed": "put a text with a colon in it in quotes",
    "cannot start any token": "put what begins with a sign in quotes, and indent with spaces",
    "duplicate key": "leave one of the two",
}
"""What to do about the mistakes that nearly everybody makes."""


def read_yaml(path: Path, what: str, extra: str) -> Value:
    """Read a file that holds one YAML document.

    Args:
        path: of the file.
        what: it is, in an error.
        extra: that whoever reads such files installs.

    Raises:
        ConfigError: it cannot be read, or is no YAML.
        MissingDependencyError: the extra is not installed.
    """
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
    except ImportError as error:
        raise MissingDependencyError(f"a {what} in YAML", extra) from error
    try:
        return Value(YAML().load(path.read_text("utf-8")), path, 1, 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", remedy=f"give the path of a {what}") from error
    except MarkedYAMLError as error:
        line, column = (error.problem_mark.line, error.problem_mark.column) if error.problem_mark else (0, 0)
        place = Value(None, path, line + 1, column + 1)
        problem = str(error.problem).partition(" with value ")[0]  # the value may be long
        remedies = (remedy for words, remedy in _REMEDIES.items() if words in problem)
        raise place.error(f"this is not YAML: {problem}", next(remedies, "see https://yaml.org/spec/1.2.2")) from error
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deeply", remedy="take out levels of lists and mappings") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {type(error).__name__}", remedy="write it in UTF-8") from error
