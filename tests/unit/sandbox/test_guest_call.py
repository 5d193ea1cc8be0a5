"""How much a guest sends: what the host would not read is refused where the learner is told why."""

from __future__ import annotations

import pytest

from grader import values
from grader.errors import WrongAnswer
from sandbox.guest import call
from sandbox.guest.call import UnsendableError, encode

MOST = 2_000


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    """A thousandth of what holds, on both sides."""
    assert call._MAX_ITEMS == values._MAX_ITEMS == 1000 * MOST
    monkeypatch.setattr(call, "_MAX_ITEMS", MOST)
    monkeypatch.setattr(values, "_MAX_ITEMS", MOST)


class Huge(list[int]):
    """More items than may be, none of which is there."""

    def __len__(self) -> int:
        return MOST + 1

    def __iter__(self) -> object:  # type: ignore[override]
        raise AssertionError("copied before it was counted")


@pytest.mark.parametrize(
    "few", [[7] * MOST, [[1] * (MOST - 1)], {"a": [[]] * (MOST // 2 - 2)}], ids=["flat", "nested", "in a dict"]
)
def test_the_most_that_the_host_reads_is_sent(few):
    assert values.decode(encode(few)) == few


@pytest.mark.parametrize(
    "many",
    [[7] * (MOST + 1), [[1] * MOST], {"a": [[]] * (MOST // 2)}, "," * (MOST + 1)],
    ids=["flat", "nested", "in a dict", "text that counts as such"],
)
def test_more_is_refused_by_the_guest_as_by_the_host(many, monkeypatch):
    with pytest.raises(UnsendableError, match="more than 2000 items: return large data as numpy arrays"):
        encode(many)
    monkeypatch.setattr(call, "_MAX_ITEMS", 10 * MOST)
    with pytest.raises(WrongAnswer, match="more than 2000 items"):
        values.decode(encode(many))


def test_no_copy_is_made_of_too_many():
    with pytest.raises(UnsendableError, match="items"):
        encode(Huge())
