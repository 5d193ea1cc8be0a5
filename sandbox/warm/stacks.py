"""The stacks that a template may have imported, and which of them covers a program's imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import get_args

from sandbox.spec import WarmStack

# torch loads _dynamo at the first step of an optimizer: 1.5 CPU seconds in every run that trains.
_TORCH = (
    "torch",
    "torch.nn.functional",
    "torch.nn.parallel",
    "torch.optim",
    "torch.utils.data",
    "torch.distributed",
    "torch._dynamo",
    "numpy",
    "safetensors.torch",
)
# What a template imports: a module, or module:name for a class that its package loads lazily.
STACKS: Mapping[WarmStack, tuple[str, ...]] = {
    "science": ("numpy", "numpy.random", "scipy.stats", "pandas", "matplotlib.pyplot"),
    "torch": _TORCH,
    "transformers": (
        *_TORCH,
        "tokenizers",
        "transformers:LlamaConfig",
        "transformers:LlamaForCausalLM",
        "transformers:AutoModelForCausalLM",
        "transformers:AutoTokenizer",
        "peft:LoraConfig",
        "peft:get_peft_model",
    ),
}
# Top-level packages whose import a stack saves.
_COVERS: Mapping[WarmStack, frozenset[str]] = {
    "science": frozenset({"numpy", "scipy", "pandas", "matplotlib"}),
    "torch": frozenset({"numpy", "torch", "safetensors"}),
    "transformers": frozenset({"numpy", "torch", "safetensors", "tokenizers", "transformers", "peft"}),
}


def smallest_stack(sources: Iterable[str]) -> WarmStack:
    """The smallest stack that has every known package that the sources import; "none" if they need none.

    Where no stack has all of them, the one with most. A source that does not parse imports nothing.
    """
    known = frozenset[str]().union(*_COVERS.values())
    wanted = known & {name for source in sources for name in _imported(source)}
    if not wanted:
        return "none"
    order = [stack for stack in get_args(WarmStack) if stack in _COVERS]
    return max(order, key=lambda stack: (len(_COVERS[stack] & wanted), -order.index(stack)))


def _imported(source: str) -> Iterable[str]:
    """Top-level packages that the code names in import statements."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
