"""Each formula of lesson 9 against a brute-force value or a published one."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab


def test_it_computes_the_worked_sample_sizes(formulas):
    sizes = formulas["sizes"]
    assert (sizes["worked"], sizes["quiz"]) == (10_696, 3_024)
    assert sizes["half_effect"] / sizes["worked"] == pytest.approx(4, rel=0.03)
    assert sizes["worked"] / sizes["power_80"] == pytest.approx(1.75, abs=0.005)


def test_it_reaches_the_planned_power_and_error_exactly_counted(formulas):
    assert formulas["sizes"]["power"] == pytest.approx(0.95, abs=0.003)
    assert formulas["sizes"]["error"] == pytest.approx(0.05, abs=0.003)


def test_it_integrates_the_mixture_in_closed_form(formulas):
    mixture = formulas["mixture"]
    assert mixture["closed"] == pytest.approx(mixture["integral"], rel=1e-9)


def test_it_puts_the_radius_where_the_likelihood_ratio_reaches_the_bar(formulas):
    assert formulas["mixture"]["at_the_edge"] == pytest.approx(1.0, rel=1e-9)


def test_it_states_the_price_of_looking_correctly(formulas):
    mixture = formulas["mixture"]
    assert mixture["worked_radius"] == pytest.approx(0.85, abs=0.006)
    assert mixture["worked_fixed"] == pytest.approx(0.50, abs=0.001)
    assert mixture["worked_radius"] / mixture["worked_fixed"] == pytest.approx(1.7, abs=0.02)


def test_it_gives_two_looks_eight_percent(formulas, walks):
    assert formulas["two_looks"] == pytest.approx(0.080, abs=0.0005)
    assert walks["two_one_sided"] == pytest.approx(formulas["two_looks"], abs=0.005)


def test_it_spends_what_lan_and_demets_published(formulas):
    # one-sided 2.5 % at half of the information: 0.0015 (O'Brien-Fleming type), 0.0155 (Pocock type)
    assert formulas["spending_half"]["obrien_fleming"] == pytest.approx(0.0015, abs=0.00005)
    assert formulas["spending_half"]["pocock"] == pytest.approx(0.0155, abs=0.00005)


def test_it_spends_all_of_alpha_by_the_end(formulas):
    assert list(formulas["spending_end"].values()) == pytest.approx([0.05, 0.05])


def test_it_tests_the_sample_ratio(formulas):
    ratio = formulas["ratio"]
    assert ratio["statistic"] == pytest.approx(25.6)
    assert ratio["worked"] == pytest.approx(ratio["by_hand"])
    assert ratio["worked"] == pytest.approx(4e-7, rel=0.06)
    assert ratio["quiz"] == pytest.approx(0.16, abs=0.005)
    assert ratio["uneven"] == pytest.approx(1.0)
    assert ratio["errors_at_1_percent"] == pytest.approx(0.01, abs=0.001)


def test_it_leaves_one_minus_rho_squared_of_the_variance(formulas):
    assert formulas["adjusted_variance"] == pytest.approx(1 - 0.8**2, abs=0.005)


def test_it_inflates_the_variance_by_the_design_effect(formulas):
    assert formulas["design_effect"]["inflation"] == pytest.approx(1 + 9 * 0.3, rel=0.03)
    assert formulas["design_effect"]["errors"] == pytest.approx(0.20, abs=0.01)


def test_it_predicts_the_variance_of_a_ratio(formulas):
    assert formulas["delta"]["drawn"] == pytest.approx(formulas["delta"]["formula"], rel=0.05)


def test_it_separates_preference_from_position(formulas):
    assert formulas["position"]["win"] == pytest.approx(0.60, abs=0.002)
    assert formulas["position"]["bias"] == pytest.approx(0.12, abs=0.002)
