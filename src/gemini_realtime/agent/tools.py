"""Python functions that the model may call: declared from their signature, called with checked arguments.

    @tool
    async def book_table(day: date, guests: Annotated[int, "how many people come"] = 2) -> str:
        \"\"\"Book a table.\"\"\"

Types, defaults, `Annotated` descriptions, pydantic models and the docstring become the declaration; what the model
sends is validated against it before the function runs.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Final, NamedTuple, Optional, get_args, get_origin

from gemini_realtime.agent.results import ToolError, ToolResult, to_result
from gemini_realtime.agent.threads import in_thread
from gemini_realtime.checking import check_fields, check_number, check_type, kind_of
from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.protocol.tools import check_function_name

try:
    import docstring_parser
    from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model
    from pydantic.fields import FieldInfo
except ImportError as error:
    raise MissingDependencyError("an agent with tools", "agent") from error

DEFAULT_TIMEOUT_S: Final = 60.0
"""The model waits for the result of a call, and the user for the model: nothing useful takes longer."""

MAX_PROBLEMS: Final = 5
"""How many wrong arguments the model is told of at once."""

_END: Final = object()


class CallContext:
    """What a function may want to know of the call it serves; passed to a parameter of this type.

    Attributes:
        call_id: as in `FunctionCall.call_id`.
        idempotency_key: the same for every repetition of one call, also after a lost connection, and never the same
            for two calls: for services that book or pay.
    """

    def __init__(self, call_id: str, idempotency_key: str) -> None:
        self.call_id = call_id
        self.idempotency_key = idempotency_key
        self._cancelled = threading.Event()

    def __repr__(self) -> str:
        return f"CallContext(call_id={self.call_id!r}, idempotency_key={self.idempotency_key!r})"

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more: for functions in threads, which cannot be cancelled."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Nobody waits for the result any more."""
        self._cancelled.set()


class Approval(NamedTuple):
    """What is asked before a function runs.

    Attributes:
        tool: name of the function.
        arguments: as the model sent them, checked.
        context: of the call.
    """

    tool: str
    arguments: dict[str, Any]
    context: CallContext


Approve = Callable[[Approval], Awaitable[bool]]
"""Decides whether a call may run."""


class Tool:
    """A function that the model may call. Calling the object calls the function.

    Attributes:
        func: the function.
        name: what the model knows it by.
        description: what the model is told about it.
        background: the model goes on talking while it runs.
        timeout_s: how long it may run, seconds.
        cancel_on_interruption: cancelled when the user interrupts the model.
        approve: asked before each call.
    """

    func: Callable[..., Any]
    name: str
    description: str

    def __init__(
        self,
        func_or_tool: Callable[..., Any] | Tool,
        *,
        name: str | None = None,
        description: str | None = None,
        background: bool = False,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        cancel_on_interruption: bool = False,
        approve: Approve | None = None,
    ) -> None:
        """Declare a function.

        Args:
            func_or_tool: a function, sync or async, plain or a generator whose last value is the result; or a `Tool`
                to declare again under another name or description.
            name: the function's own by default.
            description: the docstring's first paragraphs by default.
            background: the model goes on talking while it runs.
            timeout_s: how long it may run, seconds, the wait for `approve` included.
            cancel_on_interruption: cancel it when the user interrupts the model.
            approve: asked before each call; when it says no, the model is told so.

        Raises:
            ConfigError: the signature cannot be declared, or an option cannot be what it is.
        """
        func: Callable[..., Any] = func_or_tool
        if isinstance(func_or_tool, Tool):
            func, name = func_or_tool.func, name or func_or_tool.name
            description = description or func_or_tool.description
        if not callable(func):
            raise ConfigError(f"a tool is a {type(func).__name__}", remedy="pass a function")
        check_number("timeout_s", timeout_s, 0)
        for option, given in (("background", background), ("cancel_on_interruption", cancel_on_interruption)):
            check_type(option, given, bool, "True or False")
        if approve is not None and not callable(approve):
            raise ConfigError(f"`approve` is {kind_of(approve)}", remedy="pass an async function")
        documented = docstring_parser.parse(inspect.getdoc(func) or "")
        self.func = func
        self.name = check_function_name("tool", name or str(getattr(func, "__name__", type(func).__name__)))
        self.description = description or _first_paragraphs(documented) or self.name
        self.background = background
        self.timeout_s = timeout_s
        self.cancel_on_interruption = cancel_on_interruption
        self.approve = approve
        self._signature = _signature(func, self.name)
        self._fields, self._context_name, self._arguments = _argument_model(self.name, self._signature, documented)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.func(*args, **kwargs)

    @property
    def declaration(self) -> dict[str, Any]:
        """The declaration as a function of OpenAI's form, its parameters as JSON Schema."""
        declared: dict[str, Any] = {"type": "function", "name": self.name, "description": self.description}
        if self._fields:
            declared["parameters"] = self._arguments.model_json_schema()
        return declared

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them, converted to its types.

        Raises:
            ToolError: which are wrong, in words for the model.
        """
        try:
            checked = self._arguments.model_validate(dict(arguments))
        except ValidationError as error:
            raise ToolError(_problems(error)) from None
        except Exception as error:  # of a validator of the application's
            raise ToolError(f"the arguments could not be checked: {type(error).__name__}") from error
        return {name: getattr(checked, field) for field, name in self._fields.items()}

    async def results(self, arguments: Mapping[str, Any], context: CallContext) -> AsyncIterator[ToolResult]:
        """Run the function; yields what it gives: the last is the result.

        Args:
            arguments: as `check` returned them.
            context: of the call.

        Raises:
            ToolError: something that it gave cannot be told to the model.
        """
        call = self._bound(arguments, context)
        if inspect.isasyncgenfunction(self.func):
            async with aclosing(call()) as values:
                async for value in values:
                    yield to_result(value)
        elif inspect.isgeneratorfunction(self.func):
            values = call()
            while (value := await in_thread(lambda: next(values, _END))) is not _END:
                yield to_result(value)
        elif inspect.iscoroutinefunction(self.func) or inspect.iscoroutinefunction(type(self.func).__call__):
            yield to_result(await call())
        else:
            value = await in_thread(call)
            yield to_result(await value if inspect.isawaitable(value) else value)

    def _bound(self, arguments: Mapping[str, Any], context: CallContext) -> Callable[[], Any]:
        given = dict(arguments)
        if self._context_name is not None:
            given[self._context_name] = context
        # By name, as a caller would: decorators of the application may look at it. What is positional only is not.
        only = [name for name, known in self._signature.parameters.items() if known.kind is known.POSITIONAL_ONLY]
        positional = [given.pop(name) for name in only if name in given]
        return lambda: self.func(*positional, **given)


class RemoteTool(Tool):
    """A function that runs elsewhere: declared by the JSON Schema of its arguments, which are checked there."""

    def __init__(
        self,
        call: Callable[[dict[str, Any]], Awaitable[Any]],
        *,
        name: str,
        description: str,
        parameters: Mapping[str, Any],
        **options: Any,
    ) -> None:
        """Declare a function.

        Args:
            call: runs it with these arguments.
            name: what the model knows it by.
            description: what the model is told about it.
            parameters: JSON Schema of its arguments.
            options: as for `Tool`.
        """
        super().__init__(call, name=name, description=description, **options)
        self._parameters = dict(parameters)

    @property
    def declaration(self) -> dict[str, Any]:
        """The declaration as a function of OpenAI's form."""
        declared = {"type": "function", "name": self.name, "description": self.description}
        return declared | ({"parameters": self._parameters} if self._parameters.get("properties") else {})

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as they are."""
        return dict(arguments)

    async def results(self, arguments: Mapping[str, Any], context: CallContext) -> AsyncIterator[ToolResult]:
        """Run the function; yields its result."""
        yield to_result(await self.func(dict(arguments)))


def tool(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Decorator: make a function a `Tool`; options as there.

    Raises:
        ConfigError: as `Tool`; or there is no such option.
    """
    check_fields("tool", options, TOOL_OPTIONS)
    if function is None:
        return lambda function: Tool(function, **options)
    return Tool(function, **options)


TOOL_OPTIONS: Final = tuple(
    name for name, known in inspect.signature(Tool).parameters.items() if known.kind is known.KEYWORD_ONLY
)


def _first_paragraphs(documented: docstring_parser.Docstring) -> str:
    return "\n\n".join(filter(None, [documented.short_description, documented.long_description]))


def _signature(func: Callable[..., Any], name: str) -> inspect.Signature:
    try:
        signature = inspect.signature(func, eval_str=True)
    except (TypeError, ValueError, NameError) as error:
        raise ConfigError(f"the signature of {name!r} cannot be read: {error}", remedy="wrap it in a def") from error
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigError(
                f"{name!r} takes `{parameter}`, and the model has to be told the name of each argument",
                remedy="name the parameters",
            )
    return signature


def _argument_model(
    name: str, signature: inspect.Signature, documented: docstring_parser.Docstring
) -> tuple[dict[str, str], str | None, type[BaseModel]]:
    """Names of the arguments by field, the name of the context parameter, and the model that checks them."""
    descriptions = {item.arg_name: item.description for item in documented.params}
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    context_name = None
    for parameter in signature.parameters.values():
        hint = Any if parameter.annotation is parameter.empty else parameter.annotation
        if hint is CallContext:
            context_name = parameter.name
            continue
        # By number: an argument may have a name that a model has for something else, or one with an underscore.
        field = f"argument_{len(names)}"
        names[field] = parameter.name
        fields[field] = (
            _described(hint, optional=parameter.default is None),
            _field(parameter, descriptions.get(parameter.name)),
        )
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=False, title=name)
    try:
        model = create_model(f"{name}_arguments", __config__=config, **fields)
        model.model_json_schema()  # what has no JSON Schema is refused here
        return names, context_name, model
    except (PydanticUserError, TypeError, NameError) as error:
        problem = str(error).partition("\n")[0]
        raise ConfigError(f"the arguments of {name!r} cannot be declared: {problem}", remedy=_HINTS) from error


_HINTS = "annotate them with types that JSON has: str, int, list, a dataclass, a pydantic model"


def _described(hint: Any, *, optional: bool) -> Any:
    """`Annotated[X, "words"]` as AG2 writes it: the words describe the argument; `X = None` means `X | None`."""
    bare, *extras = get_args(hint) if get_origin(hint) is Annotated else [hint]
    bare = Optional[bare] if optional else bare  # noqa: UP045 - not everything that is a hint knows `|`
    noted = [Field(description=extra) if isinstance(extra, str) else extra for extra in extras]
    return Annotated[(bare, *noted)] if noted else bare


def _field(parameter: inspect.Parameter, description: str | None) -> FieldInfo:
    default = ... if parameter.default is parameter.empty else parameter.default
    described: dict[str, Any] = {}
    if description and not _has_description(parameter.annotation):
        described["description"] = description
    field: FieldInfo = Field(default, alias=parameter.name, **described)
    return field


def _has_description(hint: Any) -> bool:
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return any(isinstance(extra, str) or getattr(extra, "description", None) for extra in extras)


def _problems(error: ValidationError) -> str:
    problems = []
    for item in error.errors(include_url=False, include_context=False)[:MAX_PROBLEMS]:
        where = ".".join(str(step) for step in item["loc"])
        problems.append(f"{where}: {item['msg']}")
    return "wrong arguments: " + "; ".join(problems)
