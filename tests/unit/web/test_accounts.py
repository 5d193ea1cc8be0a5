from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client

from webapp.accounts.models import Role, User
from webapp.accounts.services import user_create, user_rename

AsUser = Callable[[User], Client]
GOOD = {"username": "dora", "email": "Dora@Example.org", "password": "a long enough secret"}
LOGIN = "/accounts/login/"
LOOKS = {"theme": "system", "contrast": "system"}


def test_it_makes_a_user(db: None) -> None:
    user = user_create(**GOOD)
    assert user.check_password(GOOD["password"])
    assert (user.role, user.is_teacher, user.is_superuser) == (Role.LEARNER, False, False)
    assert user.email == "dora@example.org"


def test_it_makes_an_administrator(db: None) -> None:
    user = user_create(**GOOD, role=Role.ADMIN)
    assert (user.is_teacher, user.is_superuser) == (True, True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "dora smith"}, "username"),
        ({"username": "d" * 200}, "username"),
        ({"email": "nobody"}, "email"),
        ({"email": ""}, "email"),
        ({"display_name": "x" * 81}, "display_name"),
        ({"role": "king"}, "role"),
    ],
)
def test_it_refuses_bad_fields(change: dict[str, Any], field: str, db: None) -> None:
    with pytest.raises(ValidationError) as caught:
        user_create(**{**GOOD, **change})
    assert field in caught.value.message_dict
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["short", "password1", "12345678901", "dora.example"])
def test_it_refuses_a_weak_password(password: str, db: None) -> None:
    with pytest.raises(ValidationError):
        user_create(**{**GOOD, "password": password})


@pytest.mark.parametrize("change", [{"username": "DORA"}, {"email": "dora@EXAMPLE.org"}])
def test_it_refuses_a_second_user_that_differs_in_case_only(change: dict[str, str], db: None) -> None:
    user_create(**GOOD)
    other = {"username": "eve", "email": "eve@example.org", "password": "a long enough secret"}
    with pytest.raises(ValidationError):
        user_create(**{**other, **change})
    with pytest.raises(IntegrityError):
        User.objects.create_user(**{**other, **change})


@pytest.mark.parametrize("name", ["dora", "dora@example.org", "DORA"])
def test_it_signs_in_by_name_or_mail(name: str, db: None) -> None:
    user_create(**GOOD)
    client = Client()
    answer = client.post(LOGIN, {"login": name, "password": GOOD["password"]})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert "_auth_user_id" in client.session


def test_it_refuses_a_wrong_password_without_telling_which_part(db: None) -> None:
    user_create(**GOOD)
    texts = []
    for name in ("dora", "nobody"):
        answer = Client().post(LOGIN, {"login": name, "password": "wrong"})
        assert answer.status_code == 200
        texts.append(re.findall(r"not correct", answer.content.decode()))
    assert texts[0] == texts[1] != []


def test_it_pauses_after_five_failures_for_one_name(db: None) -> None:
    user_create(**GOOD)
    client = Client()
    for _ in range(5):
        client.post(LOGIN, {"login": "dora", "password": "no"})
    answer = client.post(LOGIN, {"login": "dora", "password": GOOD["password"]})
    assert "Too many failed" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_it_locks_a_name_from_an_address_after_ten_failures(db: None, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False  # the shorter pause, tested above
    user_create(**GOOD)
    client = Client()
    statuses = [client.post(LOGIN, {"login": "dora", "password": "no"}).status_code for _ in range(10)]
    assert statuses == [200] * 9 + [429]
    assert client.post(LOGIN, {"login": "dora", "password": GOOD["password"]}).status_code == 429
    assert "_auth_user_id" not in client.session
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert elsewhere.post(LOGIN, {"login": "dora", "password": GOOD["password"]}).status_code == 302


def test_it_signs_up(db: None) -> None:
    fields = {"username": "dora", "email": GOOD["email"], "password1": GOOD["password"], "password2": GOOD["password"]}
    client = Client()
    assert client.post("/accounts/signup/", fields).status_code == 302
    assert User.objects.get().role == Role.LEARNER
    assert "_auth_user_id" in client.session


def test_it_closes_sign_up(db: None, settings: Any) -> None:
    settings.SIGNUP = "closed"
    client = Client()
    fields = {"username": "dora", "email": GOOD["email"], "password1": GOOD["password"], "password2": GOOD["password"]}
    client.post("/accounts/signup/", fields)
    assert not User.objects.exists()
    assert client.get("/accounts/signup/").status_code == 200


def test_signing_out_needs_a_post(learner: User, as_user: AsUser) -> None:
    client = as_user(learner)
    assert client.get("/accounts/logout/").status_code == 200
    assert "_auth_user_id" in client.session
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


def test_it_sends_a_password_reset(learner: User) -> None:
    assert Client().post("/accounts/password/reset/", {"email": learner.email}).status_code == 302
    assert len(mail.outbox) == 1
    path = re.findall(r"http://testserver(/\S+)", str(mail.outbox[0].body))[0]
    assert Client().get(path, follow=True).status_code == 200


def test_it_changes_the_name(learner: User, as_user: AsUser) -> None:
    client = as_user(learner)
    assert client.get("/accounts/profile/").status_code == 200
    assert client.post("/accounts/profile/", {"display_name": " Ada L. ", **LOOKS}).status_code == 302
    learner.refresh_from_db()
    assert learner.get_full_name() == "Ada L."
    assert client.post("/accounts/profile/", {"display_name": "x" * 81, **LOOKS}).status_code == 422
    assert Client().get("/accounts/profile/").status_code == 302


def test_it_refuses_a_name_that_is_too_long(learner: User) -> None:
    with pytest.raises(ValidationError):
        user_rename(user=learner, display_name="x" * 81)


@pytest.mark.parametrize(
    "path", ["login", "signup", "password/reset", "profile", "password/change", "email", "2fa", "2fa/totp/activate"]
)
def test_every_account_page_renders(path: str, learner: User, as_user: AsUser) -> None:
    visitor, member = Client().get(f"/accounts/{path}/"), as_user(learner).get(f"/accounts/{path}/", follow=True)
    assert visitor.status_code in (200, 302)
    assert member.status_code == 200


def test_it_offers_no_provider_unless_set(db: None) -> None:
    assert b"oidc" not in Client().get(LOGIN).content
