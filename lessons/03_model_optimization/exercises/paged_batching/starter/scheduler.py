"""Serves requests in batches, each with room for the longest answer. Let it take blocks when they are needed.

Run this file (`python scheduler.py`) to see what the judge would measure.
"""

from __future__ import annotations

from simulate import try_it


class Scheduler:
    """Decides who runs in a step, and in which blocks of the cache. Positions are counted from the prompt's first."""

    def __init__(self, blocks, block):
        """The cache has `blocks` blocks of `block` positions each; block numbers go from 0 to blocks - 1."""
        self.blocks, self.block = blocks, block
        self.waiting = []
        self.tables = {}  # of the requests that run: request → list of block numbers

    def add(self, request, prompt, most):
        """A request has come, with a prompt of `prompt` tokens. It ends after 1 to `most` new ones; who knows when?"""
        self.waiting.append((request, prompt + most))

    def end(self, request):
        """It got its last token in the step before this, and is no more."""
        del self.tables[request]

    def plan(self):
        """Request → its blocks, for everybody who runs in this step.

        A request needs room for its prompt and the new tokens that it has so far.
        """
        if not self.tables:  # the last batch has ended, all of it
            free = list(range(self.blocks))
            while self.waiting:
                request, longest = self.waiting[0]
                needed = -(-longest // self.block)
                if needed > len(free):
                    break
                self.tables[request] = [free.pop() for _ in range(needed)]
                self.waiting.pop(0)
        return self.tables


if __name__ == "__main__":
    try_it(Scheduler)
