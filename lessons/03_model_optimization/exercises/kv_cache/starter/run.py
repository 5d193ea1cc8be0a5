"""What the judge calls. Read-only: it hands your `generate` a model, and takes the tokens.

Two kinds of model come by. One has its weights here. Of the other, only the judge has the weights: each operation is a
question to it, which is how it can count them. Your program need not care which one it has.
"""

from __future__ import annotations

import queue
import threading
from typing import Any

import decode
import numpy as np
import torch
from model import Model
from torch import Tensor

torch.set_num_threads(1)
here: dict[str, Any] = {}


def load(config: dict[str, int], weights: dict[str, np.ndarray]) -> None:
    """Take a model whose weights we have."""
    here["model"] = Model(config, {name: torch.from_numpy(array) for name, array in weights.items()})


def generate(prompt: list[int], new_tokens: int) -> list[int]:
    """Decode with it."""
    return decoded(here["model"], prompt, new_tokens)


def begin(config: dict[str, int], prompt: list[int], new_tokens: int) -> dict[str, Any]:
    """Start to decode with a model that the judge computes. Returns the first question, or the tokens."""
    here["remote"] = RemoteModel(config)
    work = (here["remote"], prompt, new_tokens)
    threading.Thread(target=here["remote"].run, args=work[1:], daemon=True).start()
    return here["remote"].next_question()


def resume(answer: dict[str, np.ndarray]) -> dict[str, Any]:
    """Give the answer to the last question. Returns the next question, or the tokens."""
    here["remote"].answers.put(answer)
    return here["remote"].next_question()


def decoded(model: Model, prompt: list[int], new_tokens: int) -> list[int]:
    with torch.inference_mode():
        return [int(token) for token in decode.generate(model, list(prompt), new_tokens)]


class RemoteModel(Model):
    """Asks for each operation. `generate` runs in a thread that waits while a question is out."""

    def __init__(self, config: dict[str, int]) -> None:
        super().__init__(config, {})
        self.questions: queue.Queue[Any] = queue.Queue()
        self.answers: queue.Queue[Any] = queue.Queue()

    def run(self, prompt: list[int], new_tokens: int) -> None:
        try:
            self.questions.put({"ask": "done", "tokens": decoded(self, prompt, new_tokens)})
        except BaseException as error:  # it goes to the judge from the thread that the judge talks to
            self.questions.put(error)

    def next_question(self) -> dict[str, Any]:
        question = self.questions.get()
        if isinstance(question, BaseException):
            raise question
        return question

    def ask(self, name: str, **values: Any) -> dict[str, Tensor]:
        sent = {key: value.numpy() if isinstance(value, Tensor) else value for key, value in values.items()}
        self.questions.put({"ask": name, **sent})
        return {key: torch.from_numpy(array) for key, array in self.answers.get().items()}

    def embed(self, tokens: Tensor) -> Tensor:
        return self.ask("embed", tokens=tokens)["x"]

    def qkv(self, layer: int, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        answer = self.ask("qkv", layer=layer, x=x, positions=positions)
        return answer["q"], answer["k"], answer["v"]

    def mix(self, layer: int, x: Tensor, attended: Tensor) -> Tensor:
        return self.ask("mix", layer=layer, x=x, attended=attended)["x"]

    def logits(self, x: Tensor) -> Tensor:
        return self.ask("logits", x=x)["logits"]
