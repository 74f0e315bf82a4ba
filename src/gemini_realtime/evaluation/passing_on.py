"""What other machines are told of the environment in which a run was started: where endpoints are, and their keys.

Ray shows the environment that a job is given (`runtime_env`) in its dashboard and its logs; what a task is given it
does not. So they travel with the calls, and each process that holds calls puts them into its own environment.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Final

from gemini_realtime.config import API_KEY_VARIABLES
from gemini_realtime.evaluation.calls import GEMINI
from gemini_realtime.evaluation.plan import Plan
from gemini_realtime.evaluation.scenes import Persona

_CHAT: Final = ("OPENAI_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY")
_SERVICE: Final = (*API_KEY_VARIABLES, "GOOGLE_GEMINI_BASE_URL")


@dataclass(frozen=True)
class EndpointSettings:
    """Variables of an environment, keys among them."""

    _values: Mapping[str, str] = field(repr=False)

    @classmethod
    def needed_by(cls, plan: Plan, environment: Mapping[str, str]) -> EndpointSettings:
        """Those that the calls of a plan need: no key goes where nobody asks for it."""
        names = [*(_CHAT if _asks_chat(plan) else ()), *(_SERVICE if GEMINI in _models(plan) else ())]
        return cls({name: environment[name] for name in names if name in environment})

    def give_to(self, environment: MutableMapping[str, str]) -> None:
        """Set those of an endpoint of which nothing is set: a key must not come to the address of another."""
        for names in (_CHAT, _SERVICE):
            if not any(environment.get(name) for name in names):
                environment.update({name: self._values[name] for name in names if name in self._values})


def _asks_chat(plan: Plan) -> bool:
    return any(isinstance(scene.caller.does, Persona) or plan.suite.rubric(scene) for scene in plan.scenes) or any(
        model.partition(":")[0] == "chat" for model in _models(plan)
    )


def _models(plan: Plan) -> list[str]:
    models = (scene.model or plan.suite.model for scene in plan.scenes)
    return [model for model in models if isinstance(model, str)]
