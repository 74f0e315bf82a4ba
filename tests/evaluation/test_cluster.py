from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.evaluation.cluster import run_batch
from gemini_realtime.evaluation.passing_on import EndpointSettings
from gemini_realtime.evaluation.plan import Plan
from gemini_realtime.evaluation.running import run
from gemini_realtime.version import __version__
from tests.evaluation.ray_scene import comparable
from tests.evaluation.test_running import SUITE

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(find_spec("ray") is None, reason="the extra [ray] is not installed")
def test_a_cluster_comes_to_the_same_and_runs_again_what_a_dead_worker_had(tmp_path: Path) -> None:
    environment = {**os.environ, "KILLED_ONCE": str(tmp_path), "PYTHONPATH": os.pathsep.join([*sys.path, str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-m", "tests.evaluation.ray_scene"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    alone = run(Plan(SUITE, repeat=10, workers=1))
    assert json.loads(done.stdout.splitlines()[-1]) == comparable(alone)
    assert (tmp_path / "killed").exists()


@pytest.mark.skipif(find_spec("ray") is not None, reason="the extra [ray] is installed")
def test_without_ray_the_error_says_what_to_install() -> None:
    with pytest.raises(MissingDependencyError, match=r"\[ray\]"):
        list(run(Plan(SUITE, ray="auto")))


@pytest.mark.skipif(find_spec("ray") is None, reason="the extra [ray] is not installed")
def test_an_address_at_which_nothing_listens_is_told_at_once(unused_tcp_port: int) -> None:
    with pytest.raises(ConfigError, match=f"no Ray cluster at 127.0.0.1:{unused_tcp_port}"):
        list(run(Plan(SUITE, ray=f"127.0.0.1:{unused_tcp_port}")))


def test_machines_of_another_version_hold_no_calls() -> None:
    with pytest.raises(ConfigError, match=r"has gemini-realtime .*, this one 0\.0\.1"):
        run_batch(Plan(SUITE), EndpointSettings({}), "0.0.1", [])


def test_a_machine_that_cannot_hold_calls_is_named() -> None:
    with pytest.raises(
        ConfigError, match=f"on {socket.gethostname()}, a machine of the cluster: there is no module 'gone'"
    ):
        run_batch(Plan(SUITE, agent="gone:agent"), EndpointSettings({}), __version__, [])
