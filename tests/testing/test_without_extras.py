"""The kit where nothing is installed but the package and what it cannot do without."""

from __future__ import annotations

import subprocess
import sys

CORE = ("picows", "msgspec", "pybase64", "multidict", "python_socks", "aiofastnet")
"""What the package needs, and what that needs."""

PROGRAM = f"""
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top not in sys.stdlib_module_names and top not in {(*CORE, "gemini_realtime")!r}:
            raise ModuleNotFoundError(f"{{name}} is an extra", name=name)

sys.meta_path.insert(0, Nothing())

from gemini_realtime import MissingDependencyError
from gemini_realtime.testing import ScriptedService, next_answer, run_in_virtual_time, say, speech_from_text

async def main():
    service = ScriptedService()
    client = service.client()
    async with client.connect():
        await say(client, bytes(640))
        service.answer("Hello.")
        print((await next_answer(client)).text)

run_in_virtual_time(main())
try:
    speech_from_text("Hello.")
except MissingDependencyError as error:
    print(error)
"""


def test_a_service_is_scripted_and_speech_names_its_extra() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Hello.",
        "speech from text needs the optional extra [local], which is not installed → "
        "pip install 'gemini-realtime[local]'",
    ]
