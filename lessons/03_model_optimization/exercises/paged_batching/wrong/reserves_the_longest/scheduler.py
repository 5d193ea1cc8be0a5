"""Nobody is ever thrown out, because everybody has the blocks of the longest answer from the first step on."""

from __future__ import annotations

from collections import deque

from simulate import try_it


class Scheduler:
    def __init__(self, blocks, block):
        self.free, self.block = list(range(blocks)), block
        self.waiting = deque()  # whoever came first goes first
        self.tables = {}  # request → its blocks, in the order in which they were let in
        self.length = {}  # request → positions that the next step needs
        self.longest = {}  # request → positions that it can come to

    def add(self, request, prompt, most):
        self.length[request], self.longest[request] = prompt, prompt + most
        self.waiting.append(request)

    def end(self, request):
        self.free += self.tables.pop(request)
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
            needed = -(-self.longest[self.waiting[0]] // self.block)
            if needed > len(self.free):
                return
            self.tables[self.waiting.popleft()] = [self.free.pop() for _ in range(needed)]


if __name__ == "__main__":
    try_it(Scheduler)
