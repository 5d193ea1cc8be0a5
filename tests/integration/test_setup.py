"""The set-up on a machine that lacks Node."""

from __future__ import annotations

import subprocess

from scripts.bootstrap import FRONTEND, packaged_node


def test_it_brings_a_node_and_an_npm_that_work_alone() -> None:
    """The wheel's own bin/npm is a copy that does not find its parts; ours starts the file that does."""
    folder = packaged_node()
    env = {"PATH": f"{folder}:/usr/sbin"}  # no other node on this path
    for command in (["node", "--version"], ["npm", "--version"], ["npm", "run"]):
        done = subprocess.run(
            [str(folder / command[0]), *command[1:]], cwd=FRONTEND, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()
