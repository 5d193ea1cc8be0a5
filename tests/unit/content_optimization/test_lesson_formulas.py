"""Lesson 3's formulas beside brute force and published numbers. The cells that are tested here are pure Python."""

from __future__ import annotations

import ast
import math
import random
from pathlib import Path
from statistics import NormalDist, mean
from typing import Any

import pytest

from lessons.document import read_document

LESSON = Path(__file__).resolve().parents[3] / "lessons" / "03_model_optimization" / "lesson.md"
TEXT = LESSON.read_text()
CONSTANTS = {"LLAMA_8B", "H100"}


def definitions(session: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for cell in read_document(TEXT).cells:
        if cell.session == session:
            tree = ast.parse(cell.code)
            tree.body = [node for node in tree.body if is_definition(node)]
            exec(compile(tree, f"cell {cell.index}", "exec"), names)
    return names


def is_definition(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Name) and node.targets[0].id in CONSTANTS
    return isinstance(node, ast.FunctionDef)


COUNT = definitions("count")
LLAMA = COUNT["LLAMA_8B"]


def answer(name: str) -> float:
    quiz = next(quiz for quiz in read_document(TEXT).quizzes if quiz.id == name)
    return float(quiz.answer)


def table_row(start: str) -> list[float]:
    """The numbers of the first table row that begins so."""
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| {start} |"))
    cells = line.strip("| ").split("|")[1:]
    return [float(cell.split("(")[0].replace(",", "").split()[0]) for cell in cells]


def test_the_cache_of_a_token_is_what_was_published():
    """OPT-13B: Kwon et al. 2023, section 3. Llama 3 8B: vLLM's issue 12330 logs 5,691 blocks of 16 in 11.12 GiB."""
    opt = {"layers": 40, "kv_heads": 40, "head_dim": 128}
    assert COUNT["kv_bytes"](opt, 1) == answer("kv-opt") == 800 * 1024
    assert COUNT["kv_bytes"](LLAMA, 5691 * 16) == pytest.approx(11.12 * 2**30, rel=1e-3)


def test_llama_has_the_weights_that_the_cell_says():
    """Llama 3.1 8B's config: width 4096, MLP 14336, 128,256 words, head and embedding apart."""
    layer = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336
    matmul = 32 * layer + 128_256 * 4096
    assert matmul == pytest.approx(LLAMA["matmul"], rel=1e-3)
    assert matmul + 128_256 * 4096 + (2 * 32 + 1) * 4096 == 8_030_261_248 == pytest.approx(LLAMA["params"], rel=1e-3)


def test_positions_are_what_counting_finds():
    prompt, new = 64, 192
    naive = sum(prompt + step for step in range(new))
    assert naive == new * prompt + new * (new - 1) // 2 == 30_624
    assert prompt + new - 1 == 255
    assert naive / 255 == pytest.approx(120, abs=0.5)


def test_the_table_of_sequences_is_the_cells():
    fit = COUNT["sequences_that_fit"]
    for weights, cache, start in (
        (2, 2, "weights bf16, cache bf16"),
        (1, 2, "weights int8, cache bf16"),
        (2, 1, "weights bf16, cache fp8"),
        (1, 1, "both"),
    ):
        room, found = table_row(start)
        assert found == fit(LLAMA, 8192, 80e9, weights, cache)
        assert room == pytest.approx((72e9 - LLAMA["params"] * weights) / 1e9, abs=0.05)
    assert answer("kv-fit") == 20e9 // (131_072 * 4096)


def test_the_roofline_table_is_the_cells():
    step, seconds, chip = COUNT["decode_step"], COUNT["seconds"], COUNT["H100"]
    for context, start in ((256, "256 tokens of context"), (2048, "2,048"), (8192, "8,192")):
        speeds = [batch / seconds(*step(LLAMA, batch, context), chip) for batch in (1, 16, 256)]
        assert table_row(start) == pytest.approx(speeds, abs=0.51)
    assert 256 * COUNT["kv_bytes"](LLAMA, 8192) == pytest.approx(275e9, rel=2e-3)


def test_the_ridges_are_the_data_sheets():
    for start in ("A100 SXM, 80 GB", "H100 SXM", "H200 SXM"):
        flops, bandwidth, ridge = table_row(start)
        assert ridge == pytest.approx(flops / bandwidth, abs=0.5)
    assert answer("ridge-a100") == pytest.approx(312 / 2.04, abs=0.5)


def test_attention_flops_are_counted_one_by_one():
    """Multiplications and additions of q·K and p·V for one query of each head, in each layer."""
    small = {"layers": 3, "heads": 4, "kv_heads": 2, "head_dim": 5, "matmul": 0}
    count = 0
    for _layer in range(3):
        for _head in range(4):
            for _key in range(7):
                count += 2 * 5  # its dot product with the query
                count += 2 * 5  # its value, weighted and added
    assert COUNT["decode_step"](small, 1, 7)[0] == count


def test_long_contexts_stay_below_the_ridge():
    flops, moved = COUNT["decode_step"](LLAMA, 10**9, 8192)
    assert flops / moved == pytest.approx(18, abs=0.05)
    ridge = 989e12 / 3.35e12

    def limit(context: int) -> float:
        flops, moved = COUNT["decode_step"](LLAMA, 10**9, context)
        return float(flops / moved)

    assert limit(392) > ridge > limit(394)


def test_the_worked_prefill_and_costs():
    linear = 2 * LLAMA["matmul"] * 8192
    attention = sum(4 * 32 * 32 * 128 * place for place in range(8192))
    assert (linear, attention) == (pytest.approx(1.23e14, rel=2e-3), pytest.approx(0.18e14, rel=0.03))
    prefill = (linear + attention) / 989e12
    assert prefill == pytest.approx(0.142, abs=5e-4)
    step, seconds, chip = COUNT["decode_step"], COUNT["seconds"], COUNT["H100"]

    def dollars(tokens_per_second: float) -> float:
        return 1e6 * 3 / 3600 / tokens_per_second

    one, full = (batch / seconds(*step(LLAMA, batch, 8192), chip) / 2 for batch in (1, 52))
    assert (dollars(one), dollars(full)) == (pytest.approx(8.01, abs=0.01), pytest.approx(0.68, abs=0.005))
    assert dollars(8192 / (2 * prefill)) == pytest.approx(0.03, abs=0.002)
    assert answer("cost-tokens") == pytest.approx(2 * 1000 / 3600, abs=0.005)
    flops, moved = step(LLAMA, 52, 8192)
    assert (flops / chip["flops"], moved / chip["bandwidth"]) == (
        pytest.approx(1e-3, rel=0.02),
        pytest.approx(21e-3, rel=0.02),
    )


def test_rounding_stays_within_half_a_step_and_near_the_rule():
    rng = random.Random(0)
    for bits, group, expected in ((8, 4096, 0.0084), (4, 4096, 0.153), (4, 128, 0.1155)):
        errors = []
        for _ in range(16 * 4096 // group):
            weights = [rng.gauss(0, 1) for _ in range(group)]
            step = max(map(abs, weights)) / (2 ** (bits - 1) - 1)
            wrong = [step * round(w / step) - w for w in weights]
            assert max(map(abs, wrong)) <= step / 2 * (1 + 1e-9)
            errors.append(mean(e * e for e in wrong))
        assert math.sqrt(mean(errors)) == pytest.approx(expected, rel=0.04)


def test_the_largest_normal_weight():
    """The median of the largest of n absolute values."""
    for n, largest in ((4096, 3.7), (128, 2.8)):
        median = NormalDist().inv_cdf(1 - (1 - 0.5 ** (1 / n)) / 2)
        assert median == pytest.approx(largest, rel=0.035)


def test_bits_and_bytes_of_the_formats():
    assert answer("int4-bits") == 4 + 16 / 128
    assert answer("two-four") == (2 * 8 + 2 * 2) / 32
    assert f"= {2 * 16 + 2 * 2}$ bits instead of {4 * 16}" in TEXT


def test_the_soft_gradient_falls_with_the_square_of_the_temperature():
    rng = random.Random(1)
    teacher, student = ([rng.gauss(0, 2) for _ in range(10)] for _ in range(2))

    def softmax(z: list[float], t: float) -> list[float]:
        e = [math.exp(x / t) for x in z]
        return [x / sum(e) for x in e]

    def loss(z: list[float], t: float) -> float:
        return sum(p * math.log(p / q) for p, q in zip(softmax(teacher, t), softmax(z, t), strict=True))

    centred = [a - mean(student) - (b - mean(teacher)) for a, b in zip(student, teacher, strict=True)]
    for t in (1.0, 4.0, 200.0):
        for i in range(10):
            up, down = ([x + d * (j == i) for j, x in enumerate(student)] for d in (1e-4, -1e-4))
            slope = (loss(up, t) - loss(down, t)) / 2e-4
            assert slope == pytest.approx((softmax(student, t)[i] - softmax(teacher, t)[i]) / t, abs=1e-7)
            if t == 200:
                assert t * t * slope == pytest.approx(centred[i] / 10, abs=0.02)


@pytest.mark.parametrize("page", [16, 32])
def test_a_page_is_half_empty_on_average(page):
    wasted = mean(-length % page for length in range(1, 10 * page + 1))
    assert wasted == (page - 1) / 2
    assert page != 32 or wasted == answer("page-waste")


@pytest.mark.parametrize(("slots", "share"), [(4, 0.48), (8, 0.37), (32, 0.25)])
def test_static_batches_idle_as_the_harmonic_number_says(slots, share):
    harmonic = sum(1 / k for k in range(1, slots + 1))
    assert 1 / harmonic == pytest.approx(share, abs=0.005)
    rng = random.Random(slots)
    longest = mean(max(rng.expovariate(1) for _ in range(slots)) for _ in range(20_000))
    assert longest == pytest.approx(harmonic, rel=0.02)
    assert slots != 4 or answer("static-slots") == pytest.approx(1 / harmonic, abs=0.005)


def tokens_per_pass(alpha: float, k: int) -> float:
    return (1 - alpha ** (k + 1)) / (1 - alpha)


@pytest.mark.parametrize(("alpha", "k"), [(0.6, 2), (0.7, 3), (0.8, 5), (0.9, 10)])
def test_speculation_yields_what_leviathan_published(alpha, k):
    """Leviathan et al. 2022, table 1: operations and speed for a draft that costs nothing."""
    published = {0.6: (1.96, 1.53), 0.7: (2.53, 1.58), 0.8: (3.69, 1.63), 0.9: (6.86, 1.60)}[alpha]
    assert tokens_per_pass(alpha, k) == pytest.approx(published[0], abs=0.005)
    assert (k + 1) / tokens_per_pass(alpha, k) == pytest.approx(published[1], abs=0.006)
    line = f"| {alpha} | {k} | {published[0]} | {published[1]:.2f} × |"
    assert line in TEXT


def test_speculation_yields_what_drawing_finds():
    rng = random.Random(3)
    runs = 40_000
    made = 0
    for _ in range(runs):
        guesses = [rng.random() < 0.8 for _ in range(4)]
        made += 1 + (guesses.index(False) if False in guesses else 4)
    assert made / runs == pytest.approx(tokens_per_pass(0.8, 4), rel=0.02)
    assert answer("spec-tokens") == pytest.approx(tokens_per_pass(0.8, 4), abs=0.005)


def test_speculative_sampling_is_exact():
    """Over every draw: guess, accept or not, and the rest. The target's distribution comes out, to rounding."""
    rng = random.Random(4)
    for _ in range(50):
        p, q = ([x / sum(raw) for x in raw] for raw in ([rng.random() ** 3 for _ in range(6)] for _ in range(2)))
        rest = [max(0.0, a - b) for a, b in zip(p, q, strict=True)]
        found = [0.0] * 6
        for guess in range(6):
            accept = min(1.0, p[guess] / q[guess])
            found[guess] += q[guess] * accept
            for other in range(6):
                found[other] += q[guess] * (1 - accept) * rest[other] / sum(rest)
        assert found == pytest.approx(p, abs=1e-12)
        assert sum(map(min, p, q)) == pytest.approx(1 - sum(rest))
