"""The numbers that lesson 2 states, recomputed. Pure arithmetic: no torch."""

from __future__ import annotations

from pathlib import Path

from lessons.document import read_document

LESSON = Path(__file__).resolve().parents[3] / "lessons" / "02_peft_techniques" / "lesson.md"
D, FF, KV, LAYERS, VOCABULARY = 576, 1536, 192, 30, 49_152
MODULES = {"q": (D, D), "k": (KV, D), "v": (KV, D), "o": (D, D), "gate": (FF, D), "up": (FF, D), "down": (D, FF)}
BASE = VOCABULARY * D + LAYERS * (sum(m * n for m, n in MODULES.values()) + 2 * D) + D


def quiz_answers() -> dict[str, float]:
    return {quiz.id: quiz.answer for quiz in read_document(LESSON.read_text()).quizzes}


def per_rank(*names: str) -> int:
    return LAYERS * sum(sum(MODULES[name]) for name in names)


def test_it_counts_the_base_as_the_exercise_does() -> None:
    assert BASE == 134_515_008
    assert f"{BASE:,}" in LESSON.read_text()
    kit = LESSON.parent / "exercises" / "one_percent" / "starter" / "kit.py"
    assert "BASE_ELEMENTS = 134_515_008" in kit.read_text()


def test_it_asks_quizzes_with_right_answers() -> None:
    answers = quiz_answers()
    assert answers["ready-shape"] == D * KV
    assert answers["ready-adam"] == 2 + 2 + 4 + 4 + 4
    assert round(0.95**14, 2) == answers["ready-exact"]
    assert answers["lora-count"] == 8 * per_rank("q", "v")
    assert answers["lora-budget"] == BASE // 100 // per_rank(*MODULES)
    assert answers["nf4-bits"] == 4 + 32 / 64
    assert answers["ia3-count"] == LAYERS * (KV + KV + FF)


def test_it_states_the_shares_of_its_table() -> None:
    text = LESSON.read_text()
    for names, share in ((("q", "v"), "0.343 %"), (("q", "k", "v", "o"), "0.685 %"), (tuple(MODULES), "**1.816 %**")):
        elements = 8 * per_rank(*names)
        assert f"{elements:,} | {share}" in text
        assert f"{100 * elements / BASE:.3f}" in share


def test_it_states_the_sizes_of_the_family() -> None:
    text = LESSON.read_text()
    assert f"{(2 * LAYERS + 1) * D:,}" in text  # gains of all norms
    assert f"{2 * LAYERS * KV:,} per token" in text  # a prefix token's keys and values
    assert round(4 + 8 / 64 + 32 / (64 * 256), 3) == 4.127
