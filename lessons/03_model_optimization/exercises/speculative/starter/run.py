"""What the judge calls. Read-only: it hands your `generate` a target, and takes the tokens.

The target's weights are with the judge: each forward is a question to it, which is how it can count them.
"""

from __future__ import annotations

import queue
import threading
from typing import Any

import speculate

here: dict[str, RemoteTarget] = {}


def begin(prompt: list[int], new_tokens: int) -> dict[str, Any]:
    """Start to decode. Returns the first question, or the tokens."""
    here["target"] = target = RemoteTarget()
    threading.Thread(target=target.run, args=(prompt, new_tokens), daemon=True).start()
    return target.next_question()


def resume(answer: dict[str, list[int]]) -> dict[str, Any]:
    """Give the answer to the last question. Returns the next question, or the tokens."""
    here["target"].answers.put(answer)
    return here["target"].next_question()


class RemoteTarget:
    """Asks for each forward. `generate` runs in a thread that waits while a question is out."""

    def __init__(self) -> None:
        self.questions: queue.Queue[Any] = queue.Queue()
        self.answers: queue.Queue[dict[str, list[int]]] = queue.Queue()

    def forward(self, tokens: list[int], start: int) -> list[int]:
        self.questions.put({"ask": "forward", "tokens": [int(token) for token in tokens], "start": int(start)})
        return self.answers.get()["next"]

    def run(self, prompt: list[int], new_tokens: int) -> None:
        try:
            tokens = speculate.generate(self, prompt, new_tokens)
            self.questions.put({"ask": "done", "tokens": [int(token) for token in tokens]})
        except BaseException as error:  # it goes to the judge from the thread that the judge talks to
            self.questions.put(error)

    def next_question(self) -> dict[str, Any]:
        question = self.questions.get()
        if isinstance(question, BaseException):
            raise question
        return question
