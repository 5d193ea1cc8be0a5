"""Sign-in by another site: against a real OpenID Connect provider, over HTTP, with signed tokens."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.account.models import EmailAddress
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.test import Client

from webapp.accounts.models import User

CLIENT, SECRET = "rank-zero", "of the client"
CALLBACK = "/accounts/oidc/school/login/callback/"


class Provider(ThreadingHTTPServer):
    """Knows one person, and hands a code that was asked for to our client alone."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.nonce = ""
        self.person: dict[str, Any] = {
            "sub": "7",
            "email": "dora@example.org",
            "email_verified": True,
            "preferred_username": "dora",
            "name": "Dora D.",
        }

    def token(self) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": self.nonce, **self.person}
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "k"})

    def jwk(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {**found, "kid": "k", "use": "sig", "alg": "RS256"}


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, content: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        url, path = self.server.url, urlsplit(self.path).path
        if path == "/.well-known/openid-configuration":
            self.answer(
                {
                    "issuer": url, "authorization_endpoint": f"{url}/authorize", "token_endpoint": f"{url}/token",
                    "userinfo_endpoint": f"{url}/userinfo", "jwks_uri": f"{url}/jwks",
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )  # fmt: skip
        elif path == "/jwks":
            self.answer({"keys": [self.server.jwk()]})
        else:
            self.answer(self.server.person, 200 if self.headers.get("Authorization") == "Bearer of the person" else 401)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        knows = self.headers.get("Authorization") == basic or form.get("client_secret") == [SECRET]
        if not knows or form["code"] != ["good"]:
            self.answer({"error": "invalid_grant"}, 400)
            return
        self.answer({"access_token": "of the person", "token_type": "Bearer", "id_token": self.server.token()})


@pytest.fixture
def provider(settings: Any, db: None) -> Iterator[Provider]:
    server = Provider()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    app = {"provider_id": "school", "name": "The school", "client_id": CLIENT, "secret": SECRET}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [{**app, "settings": {"server_url": server.url}}]}}
    cache.clear()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def sign_in(provider: Provider, client: Client, code: str = "good") -> Any:
    """There and back, as a browser goes."""
    away = client.post("/accounts/oidc/school/login/")
    assert away["Location"].startswith(f"{provider.url}/authorize?"), away.content
    asked = parse_qs(urlsplit(away["Location"]).query)
    assert asked["redirect_uri"] == [f"http://testserver{CALLBACK}"]
    provider.nonce = asked.get("nonce", [""])[0]
    return client.get(CALLBACK, {"code": code, "state": asked["state"][0]}, follow=True)


def test_somebody_comes_in_and_again(provider: Provider) -> None:
    client = Client()
    sign_in(provider, client)
    user = User.objects.get()
    assert (user.username, user.email, user.display_name) == ("dora", "dora@example.org", "Dora D.")
    assert EmailAddress.objects.get().verified
    assert not user.has_usable_password()
    again = Client()
    sign_in(provider, again)
    assert User.objects.count() == 1
    assert again.session["_auth_user_id"] == str(user.pk)


def test_the_sign_in_page_offers_it(provider: Provider) -> None:
    page = Client().get("/accounts/login/").content.decode()
    assert "The school" in page
    assert "/accounts/oidc/school/login/" in page


def test_a_link_alone_signs_nobody_in(provider: Provider) -> None:
    """Going there needs a press of a button: else any page could sign a visitor in as somebody else."""
    answer = Client().get("/accounts/oidc/school/login/")
    assert answer.status_code == 200
    assert b"Sign in with The school" in answer.content


@pytest.mark.parametrize("wrong", ["code", "state"])
def test_a_forged_return_signs_nobody_in(wrong: str, provider: Provider) -> None:
    client = Client()
    if wrong == "code":
        answer = sign_in(provider, client, code="bad")
    else:
        answer = client.get(CALLBACK, {"code": "good", "state": "x" * 16})
    assert b"Signing in failed." in answer.content
    assert "_auth_user_id" not in client.session
    assert not User.objects.exists()


def test_a_domain_holds_for_the_provider_too(provider: Provider, settings: Any) -> None:
    settings.SIGNUP, settings.SIGNUP_DOMAINS = "domain", ["school.edu"]
    assert b"No account without an invitation" in sign_in(provider, Client()).content
    assert not User.objects.exists()
    provider.person["email"] = "dora@school.edu"
    sign_in(provider, Client())
    assert User.objects.get().email == "dora@school.edu"


@pytest.mark.parametrize("mode", ["invite", "closed"])
def test_a_closed_site_is_closed_for_the_provider_too(mode: str, provider: Provider, settings: Any) -> None:
    settings.SIGNUP = mode
    assert b"No account without an invitation" in sign_in(provider, Client()).content
    assert not User.objects.exists()


def test_the_address_of_somebody_else_gives_no_way_in(provider: Provider, learner: User) -> None:
    provider.person["email"] = learner.email
    client = Client()
    sign_in(provider, client)
    assert "_auth_user_id" not in client.session
    assert User.objects.count() == 1


def test_a_name_that_hides_something_is_left_out(provider: Provider) -> None:
    provider.person["name"] = "evil\u202egro"
    sign_in(provider, Client())
    assert User.objects.get().display_name == ""
