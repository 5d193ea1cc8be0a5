"""Packs the cache anew at each step from whoever fits, those first who have waited longest: hardly a place is empty."""

from __future__ import annotations

from simulate import try_it


class Scheduler:
    def __init__(self, blocks, block):
        self.blocks, self.block = blocks, block
        self.free = list(range(blocks))
        self.tables, self.length, self.turn = {}, {}, {}
        self.step = 0

    def add(self, request, prompt, most):
        self.length[request], self.turn[request] = prompt, self.step

    def end(self, request):
        self.free += self.tables.pop(request)
        del self.length[request]

    def plan(self):
        self.step += 1
        left, chosen = self.blocks, {}
        for request in sorted(self.length, key=self.turn.get):
            needed = -(-self.length[request] // self.block)
            if needed <= left:
                left, chosen[request] = left - needed, needed
        for request in [request for request in self.tables if request not in chosen]:
            self.free += self.tables.pop(request)
        for request, needed in chosen.items():
            table = self.tables.setdefault(request, [])
            table += [self.free.pop() for _ in range(needed - len(table))]
            self.length[request] += 1
            self.turn[request] = self.step
        return self.tables


if __name__ == "__main__":
    try_it(Scheduler)
