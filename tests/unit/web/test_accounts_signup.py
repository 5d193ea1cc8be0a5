"""Who may make an account: the operator's setting, invitations, and names that people give themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from webapp.accounts.invitations import invitation_create, invitation_use
from webapp.accounts.models import Invitation, Role, User
from webapp.accounts.names import clean_name
from webapp.config import env

AsUser = Callable[[User], Client]
SIGNUP = "/accounts/signup/"
PASSWORD = "a long enough secret"


def fields(name: str = "dora", email: str = "dora@example.org") -> dict[str, str]:
    return {"username": name, "email": email, "password1": PASSWORD, "password2": PASSWORD}


def invited(**values: Any) -> tuple[Client, str]:
    """A visitor who opened a fresh invitation, and its secret."""
    secret = invitation_create(made_by=None, **values)[1]
    client = Client()
    answer = client.get(f"/accounts/invitation/{secret}/")
    assert (answer.status_code, answer["Location"]) == (302, SIGNUP)
    return client, secret


@pytest.mark.parametrize(
    ("said", "domains", "mode"),
    [
        ("", "", "open"),
        ("True", "", "open"),
        ("False", "", "closed"),
        ("invite", "", "invite"),
        ("domain", "@A.org", "domain"),
    ],
)
def test_the_setting_takes_old_and_new_words(said: str, domains: str, mode: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("RANKZERO_SIGNUP", said)
    monkeypatch.setenv("RANKZERO_SIGNUP_DOMAINS", domains)
    assert env.signup() == (mode, ["a.org"] if domains else [])


@pytest.mark.parametrize(
    ("said", "domains"), [("maybe", ""), ("domain", ""), ("open", "a.org"), ("domain", "me@a.org")]
)
def test_it_refuses_a_setting_that_cannot_be_meant(said: str, domains: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("RANKZERO_SIGNUP", said)
    monkeypatch.setenv("RANKZERO_SIGNUP_DOMAINS", domains)
    with pytest.raises(ImproperlyConfigured, match="RANKZERO_SIGNUP"):
        env.signup()


@pytest.mark.parametrize("mode", ["invite", "closed"])
def test_without_an_invitation_nobody_comes_in(mode: str, db: None, settings: Any) -> None:
    settings.SIGNUP = mode
    assert b"No account without an invitation" in Client().get(SIGNUP).content
    Client().post(SIGNUP, fields())
    assert not User.objects.exists()


def test_an_invitation_lets_one_person_in_as_a_learner(db: None, settings: Any) -> None:
    settings.SIGNUP = "invite"
    client, secret = invited()
    assert client.post(SIGNUP, fields()).status_code == 302
    assert User.objects.get().role == Role.LEARNER
    assert Invitation.objects.get().used_by == User.objects.get()
    second = Client().get(f"/accounts/invitation/{secret}/")
    assert second.status_code == 404
    assert b"does not work" in second.content


def test_two_who_share_a_link_cannot_both_come_in(db: None, settings: Any) -> None:
    settings.SIGNUP = "invite"
    first, secret = invited()
    late = Client()
    late.get(f"/accounts/invitation/{secret}/")
    first.post(SIGNUP, fields())
    late.post(SIGNUP, fields("eve", "eve@example.org"))
    assert [user.username for user in User.objects.all()] == ["dora"]


def test_the_loser_of_a_race_leaves_no_account(db: None, settings: Any, monkeypatch: Any) -> None:
    settings.SIGNUP = "invite"
    client, _secret = invited()
    monkeypatch.setattr("webapp.accounts.adapter.invitation_use", lambda **_: False)  # another one was faster
    assert client.post(SIGNUP, fields()).status_code == 403
    assert not User.objects.exists()


def test_it_uses_an_invitation_once(learner: User, peer: User) -> None:
    invitation = invitation_create(made_by=None)[0]
    assert [invitation_use(invitation=invitation, user=user) for user in (learner, peer)] == [True, False]


@pytest.mark.parametrize(
    ("values", "mode"),
    [({"expires_at": timezone.now() - timedelta(seconds=1)}, "invite"), ({}, "closed")],
)  # fmt: skip
def test_an_invitation_ends_with_its_time_or_with_sign_up(
    values: dict[str, Any], mode: str, db: None, settings: Any
) -> None:
    settings.SIGNUP = mode
    secret = invitation_create(made_by=None, **values)[1]
    assert Client().get(f"/accounts/invitation/{secret}/").status_code == 404
    assert Client().get("/accounts/invitation/" + "x" * 5000 + "/").status_code == 404


def test_an_invitation_to_an_address_is_for_that_address(db: None, settings: Any) -> None:
    settings.SIGNUP = "invite"
    client, _secret = invited(email="Dora@Example.org")
    answer = client.post(SIGNUP, fields(email="eve@example.org"))
    assert b"for another address" in answer.content
    assert not User.objects.exists()
    assert client.post(SIGNUP, fields()).status_code == 302


def test_only_the_digest_of_an_invitation_is_kept(db: None) -> None:
    invitation, secret = invitation_create(made_by=None)
    assert secret not in str(vars(invitation))


DOMAINS = {"SIGNUP": "domain", "SIGNUP_DOMAINS": ["example.org"]}


@pytest.mark.parametrize(
    ("email", "comes_in"),
    [
        ("dora@example.org", True),
        ("dora@EXAMPLE.org", True),
        ("dora@sub.example.org", False),
        ("dora@notexample.org", False),
        ("dora@example.org.evil.net", False),
        ("example.org@evil.net", False),
    ],
)
def test_a_domain_is_compared_whole(email: str, comes_in: bool, db: None, settings: Any) -> None:
    for name, value in DOMAINS.items():
        setattr(settings, name, value)
    answer = Client().post(SIGNUP, fields(email=email))
    assert User.objects.exists() == comes_in
    assert comes_in or b"addresses of @example.org only" in answer.content


def test_an_address_is_not_changed_to_another_domain(learner: User, as_user: AsUser, settings: Any) -> None:
    """The rule of sign-up holds later, too; the control is an address of the domain."""
    for name, value in DOMAINS.items():
        setattr(settings, name, value)
    settings.ACCOUNT_REAUTHENTICATION_REQUIRED = False
    client = as_user(learner)
    answer = client.post("/accounts/email/", {"action_add": "", "email": "ada@evil.net"})
    assert b"addresses of @example.org only" in answer.content
    client.post("/accounts/email/", {"action_add": "", "email": "ada2@example.org"})
    assert [found.email for found in EmailAddress.objects.order_by("pk")] == [learner.email, "ada2@example.org"]


def test_an_old_account_of_another_domain_still_resets_its_password(learner: User, settings: Any) -> None:
    settings.SIGNUP, settings.SIGNUP_DOMAINS = "domain", ["other.org"]
    assert Client().post("/accounts/password/reset/", {"email": learner.email}).status_code == 302
    assert len(mail.outbox) == 1


def test_sign_up_with_proof_does_not_tell_whose_address_is_taken(learner: User, settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    answers = [
        Client().post(SIGNUP, fields(f"new{n}", email)) for n, email in enumerate((learner.email, "free@example.org"))
    ]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/accounts/confirm-email/")}
    assert User.objects.count() == 2
    assert "already" in str(mail.outbox[0].body)


def test_a_reset_answers_the_same_for_an_address_that_nobody_has(learner: User) -> None:
    answers = [
        Client().post("/accounts/password/reset/", {"email": email}) for email in (learner.email, "no@example.org")
    ]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/accounts/password/reset/done/")}


def test_a_reset_link_works_once_and_lets_in_by_the_new_password(learner: User) -> None:
    Client().post("/accounts/password/reset/", {"email": learner.email})
    path = re.findall(r"http://testserver(/\S+)", str(mail.outbox[0].body))[0]
    client = Client()
    form = client.get(path, follow=True).request["PATH_INFO"]
    new = {"password1": "another long secret", "password2": "another long secret"}
    assert client.post(form, new).status_code == 302
    assert b"no longer works" in Client().get(path, follow=True).content
    assert Client().post("/accounts/login/", {"login": "ada", "password": new["password1"]}).status_code == 302


@pytest.mark.parametrize("next_url", ["https://evil.net/", "//evil.net/", "javascript:alert(1)", "/\\evil.net"])
def test_signing_in_leads_to_no_other_host(next_url: str, learner: User) -> None:
    sent = {"login": "ada", "password": "pw-of-a-test", "next": next_url}
    answer = Client().post(f"/accounts/login/?next={next_url}", sent)
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_a_line_break_makes_no_header_of_a_message(db: None) -> None:
    Client().post("/accounts/password/reset/", {"email": "a@example.org\nBcc: b@example.org"})
    Client().post(SIGNUP, fields("dora", "a@example.org\r\nBcc: b@example.org"))
    assert not mail.outbox
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "name", ["Ada L.", "Ágnes Ñ", "李小龍", "می\u200cخواهم", "\u0627\u0644\u064f\u063a\u0629", "O’Hara-Smith", ""]
)
def test_it_takes_names_of_the_world(name: str) -> None:
    assert clean_name(f"  {name} ") == name


@pytest.mark.parametrize(
    "name",
    [
        "evil\u202egro.elpmaxe", "a\u200bb", "a\u2066b", "zero\ufeff", "bell\x07", "a\u0000b", "\u200d", "a\u200d b",
        "Z" + "\u0301" * 9, "\u0301a", "tag\U000e0041",
    ],
)  # fmt: skip
def test_it_refuses_names_that_hide_something(name: str, learner: User, as_user: AsUser) -> None:
    with pytest.raises(ValidationError):
        clean_name(name)
    sent = {"display_name": name, "theme": "system", "contrast": "system"}
    assert as_user(learner).post("/accounts/profile/", sent).status_code == 422
    learner.refresh_from_db()
    assert learner.display_name == ""


def test_a_name_is_text_on_every_page(learner: User, as_user: AsUser) -> None:
    name = "<img src=x onerror=alert(1)>"
    client = as_user(learner)
    client.post("/accounts/profile/", {"display_name": name, "theme": "dark", "contrast": "more"})
    page = client.get("/accounts/profile/").content.decode()
    assert name not in page
    assert "&lt;img src=x" in page
    assert 'data-theme="dark" data-contrast="more"' in page


@pytest.mark.parametrize("user", ["learner", "outsider"])
def test_only_teachers_invite(user: str, request: pytest.FixtureRequest, as_user: AsUser) -> None:
    client = as_user(request.getfixturevalue(user))
    assert client.get("/accounts/invitations/").status_code == 403
    assert client.post("/accounts/invitations/", {"days": "7"}).status_code == 403
    invitation = invitation_create(made_by=None)[0]
    assert client.post(f"/accounts/invitations/{invitation.pk}/revoke/").status_code == 403
    assert Invitation.objects.count() == 1
    assert b"/accounts/invitations/" not in client.get("/accounts/profile/").content


def test_a_teacher_makes_a_link_that_is_shown_once_and_can_be_revoked(
    instructor: User, as_user: AsUser, settings: Any
) -> None:
    settings.SIGNUP = "invite"
    client = as_user(instructor)
    page = client.post("/accounts/invitations/", {"email": "", "days": "7"})
    path = re.findall(r'value="http://testserver(/accounts/invitation/[^"]+)"', page.content.decode())[0]
    assert page["Cache-Control"].count("no-store") == 1
    assert path not in client.get("/accounts/invitations/").content.decode()
    assert Client().get(path).status_code == 302
    invitation = Invitation.objects.get()
    assert timedelta(days=6) < invitation.expires_at - timezone.now() < timedelta(days=8)
    client.post(f"/accounts/invitations/{invitation.pk}/revoke/")
    assert Client().get(path).status_code == 404
    assert client.post("/accounts/invitations/", {"email": "nobody", "days": "7"}).status_code == 422


def test_an_operator_invites_by_command(db: None, settings: Any) -> None:
    settings.SIGNUP = "invite"
    out = StringIO()
    call_command("invite", "dora@example.org", "--days", "1", stdout=out)
    path = out.getvalue().strip().removeprefix("http://127.0.0.1:8000")
    assert Client().get(path).status_code == 302
    assert Invitation.objects.get().email == "dora@example.org"
    for arguments in (["nobody"], ["--days", "-1"]):
        with pytest.raises(CommandError):
            call_command("invite", *arguments)
    settings.SIGNUP = "closed"
    with pytest.raises(CommandError, match="RANKZERO_SIGNUP"):
        call_command("invite")
