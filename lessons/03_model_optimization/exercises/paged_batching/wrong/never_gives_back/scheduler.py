"""Thinks that a table that is deleted frees its blocks."""

from __future__ import annotations

from collections import deque

from simulate import try_it

RESERVE = 0.35  # blocks per running request that stay free when a new one is let in


class Scheduler:
    def __init__(self, blocks, block):
        self.free, self.block = list(range(blocks)), block
        self.waiting = deque()  # whoever came first goes first
        self.tables = {}  # request → its blocks, in the order in which they were let in
        self.length = {}  # request → positions that the next step needs

    def add(self, request, prompt, most):
        self.length[request] = prompt
        self.waiting.append(request)

    def end(self, request):
        del self.tables[request]
        del self.length[request]

    def plan(self):
        """Request → its blocks, for everybody who runs in this step."""
        self.grow()
        self.admit()
        for request in self.tables:
            self.length[request] += 1  # each gets a token, which the step after this computes
        return self.tables

    def grow(self):
        """A block for each request whose last one is full. The oldest come first, and the newest pay."""
        for request in list(self.tables):
            while request in self.tables and self.lacks(request) > 0:
                if self.free:
                    self.tables[request].append(self.free.pop())
                else:
                    self.evict(next(reversed(self.tables)))

    def lacks(self, request):
        """Blocks that it needs for the next step and has not."""
        return -(-self.length[request] // self.block) - len(self.tables.get(request, []))

    def evict(self, request):
        """It will be computed again, tokens and all: as long as it is young, that is little."""
        self.free += self.tables.pop(request)
        self.waiting.appendleft(request)

    def admit(self):
        while self.waiting:
            needed = self.lacks(self.waiting[0])
            if needed + RESERVE * len(self.tables) > len(self.free):
                return
            self.tables[self.waiting.popleft()] = [self.free.pop() for _ in range(needed)]


if __name__ == "__main__":
    try_it(Scheduler)
