"""A tool reads the file, follows its includes as such tools do, and prints what it understood as JSON."""

from __future__ import annotations

import json

from grader.api import Bench, WrongAnswer

TOOL = """
import json, sys, yaml
def include(loader, node):
    with open(loader.construct_scalar(node)) as file:
        return file.read()
yaml.SafeLoader.add_constructor("!include", include)
json.dump(yaml.safe_load(open("pipeline.yaml")), sys.stdout)
"""


def judge(bench: Bench) -> None:
    files = {"pipeline.yaml": bench.candidate().artifact("pipeline.yaml"), "tool.py": TOOL.encode()}
    result = bench.tool(["python", "-P", "tool.py"], files, wall_s=8, memory_mb=256)
    bench.check("loads", result.ok, result.err[-400:])
    bench.check("steps", result.ok and steps_of(result.out) == ["lint", "test", "build"], "Steps are missing.")


def steps_of(text: str) -> object:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise WrongAnswer("The tool did not understand the pipeline.") from None
    return read.get("steps") if isinstance(read, dict) else None
