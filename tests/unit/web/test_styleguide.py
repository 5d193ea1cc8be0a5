from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from webapp.accounts.models import User

AsUser = Callable[[User], Client]


def test_teachers_see_every_icon_and_every_state(instructor: User, as_user: AsUser) -> None:
    answer = as_user(instructor).get("/styleguide")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.count("<h1") == 1
    assert "icons-aaaaaaaa.svg#play" in page
    assert page.count("This field is required.") == 2
    for state in ("tried", "passed", "gold", "failed", "under_review", "infra_error", "queued", "running"):
        assert f'class="badge {state}"' in page


def test_to_others_it_does_not_exist(client: Client, learner: User, as_user: AsUser) -> None:
    assert client.get("/styleguide").status_code == 404
    assert as_user(learner).get("/styleguide").status_code == 404
    assert as_user(learner).post("/styleguide").status_code == 405
