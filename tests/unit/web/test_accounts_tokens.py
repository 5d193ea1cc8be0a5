"""API tokens: what one lets in, and for how long."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory
from django.utils import timezone

from webapp.accounts import tokens
from webapp.accounts.models import ApiToken, User
from webapp.accounts.tokens import MOST, token_create, user_of_token

AsUser = Callable[[User], Client]
PAGE = "/accounts/tokens/"


def made(user: User, **values: Any) -> str:
    return token_create(**{"user": user, "name": "laptop", "scope": "read", "expires_at": None, **values})[1]


def ask(value: str, scope: str = "read") -> ApiToken | None:
    return user_of_token(RequestFactory().get("/", headers={"Authorization": value}), scope=scope)


def test_a_token_tells_whose_it_is(learner: User) -> None:
    answer = Client().get("/api/me", headers={"Authorization": f"Bearer {made(learner)}"})
    assert answer.json() == {"name": "ada", "role": "learner", "scope": "read"}
    assert "no-store" in answer["Cache-Control"]


def test_without_a_good_token_there_is_no_answer(learner: User, as_user: AsUser) -> None:
    good = made(learner)
    near = [good + "x", good[:-1], good.upper(), good.partition("_")[2]]
    for value in ["", "Bearer", f"Basic {good}", "Bearer rz__", "Bearer rz_é_é", "Bearer rz_" + "a" * 5000] + [
        f"Bearer {token}" for token in near
    ]:
        answer = Client().get("/api/me", headers={"Authorization": value})
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer"), value
    assert as_user(learner).get("/api/me").status_code == 401  # a cookie is no token
    assert Client().post("/api/me", headers={"Authorization": f"Bearer {good}"}).status_code == 405
    assert ask(f"bearer  {good} ") is not None  # the control: case and spaces as HTTP allows them


def test_the_secret_of_one_token_opens_no_other(learner: User, peer: User) -> None:
    mine, theirs = (made(user).split("_", 2) for user in (learner, peer))
    assert ask(f"Bearer rz_{theirs[1]}_{mine[2]}") is None


def test_a_token_ends(learner: User, peer: User) -> None:
    now = timezone.now()
    assert ask("Bearer " + made(learner, expires_at=now - timedelta(seconds=1))) is None
    assert ask("Bearer " + made(learner, expires_at=now + timedelta(hours=1))) is not None
    theirs = made(peer)
    User.objects.filter(pk=peer.pk).update(is_active=False)
    assert ask(f"Bearer {theirs}") is None


def test_reading_is_not_submitting(learner: User) -> None:
    read, submit = (f"Bearer {made(learner, scope=scope)}" for scope in ("read", "submit"))
    assert [bool(ask(value, scope)) for value in (read, submit) for scope in ("read", "submit")] == [
        True, False, True, True,
    ]  # fmt: skip


def test_digests_are_compared_in_constant_time_also_for_a_token_that_is_not_there(
    learner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    real = tokens.matches
    monkeypatch.setattr(tokens, "matches", lambda secret, digest: compared.append(len(digest)) or real(secret, digest))
    good = made(learner)
    for value in (good, good + "x", "rz_00000000_none"):
        ask(f"Bearer {value}")
    assert compared == [64, 64, 64]


def test_the_last_use_is_noted_once_in_a_while(learner: User, django_assert_num_queries: Any) -> None:
    value = f"Bearer {made(learner)}"
    with django_assert_num_queries(2):
        ask(value)
    first = ApiToken.objects.get().last_used_at
    with django_assert_num_queries(1):
        ask(value)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - tokens.NOTED_EVERY)
    ask(value)
    assert ApiToken.objects.get().last_used_at > first - tokens.NOTED_EVERY


def test_only_a_digest_is_kept(learner: User) -> None:
    value = made(learner)
    assert value.split("_", 2)[2] not in str(ApiToken.objects.values().get())


def test_a_token_is_shown_once_and_revoked(learner: User, peer: User, as_user: AsUser) -> None:
    client = as_user(learner)
    page = client.post(PAGE, {"name": "laptop", "scope": "submit", "days": "30"})
    value = re.findall(r'value="(rz_[^"]+)"', page.content.decode())[0]
    assert "no-store" in page["Cache-Control"]
    assert value not in client.get(PAGE).content.decode()
    assert ask(f"Bearer {value}", "submit") is not None
    token = ApiToken.objects.get()
    as_user(peer).post(f"{PAGE}{token.pk}/revoke/")
    assert ask(f"Bearer {value}") is not None  # somebody else's button does nothing
    assert client.get(f"{PAGE}{token.pk}/revoke/").status_code == 405
    client.post(f"{PAGE}{token.pk}/revoke/")
    assert ask(f"Bearer {value}") is None


@pytest.mark.parametrize(
    "sent",
    [
        {"name": "", "scope": "read", "days": "30"},
        {"name": "x" * 61, "scope": "read", "days": "30"},
        {"name": "a\u202eb", "scope": "read", "days": "30"},
        {"name": "laptop", "scope": "admin", "days": "30"},
        {"name": "laptop", "scope": "read", "days": "99999999"},
    ],
)
def test_it_refuses_a_bad_form(sent: dict[str, str], learner: User, as_user: AsUser) -> None:
    assert as_user(learner).post(PAGE, sent).status_code == 422
    assert not ApiToken.objects.exists()


def test_there_is_an_end_to_tokens(learner: User, as_user: AsUser, django_assert_max_num_queries: Any) -> None:
    for number in range(MOST):
        made(learner, name=str(number))
    with pytest.raises(ValidationError):
        made(learner)
    client = as_user(learner)
    assert client.post(PAGE, {"name": "one more", "scope": "read", "days": ""}).status_code == 422
    with django_assert_max_num_queries(6):
        client.get(PAGE)
