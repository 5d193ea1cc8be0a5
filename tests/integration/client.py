"""A learner's browser without the browser: signs in, submits, follows the live log."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Mapping
from typing import Any

import httpx
from websockets.sync.client import connect

from tests.site_process import ROOT, Site

ROOTS = (ROOT / "lessons", ROOT / "tests" / "fixtures" / "lessons")


def exercise_files(exercise: str, folder: str) -> dict[str, str]:
    """What a learner may send of `starter`, `solution` or `wrong/<name>` of `<lesson>/<slug>`."""
    lesson, slug = exercise.split("/")
    base = next(root / lesson / "exercises" / slug for root in ROOTS if (root / lesson).is_dir())
    editable = tomllib.loads((base / "exercise.toml").read_text())["files"]["editable"]
    return {name: (base / folder / name).read_text() for name in editable}


class Client:
    """Use as a context manager, so that its connections are closed."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.http = httpx.Client(base_url=site.url, timeout=30, follow_redirects=True)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.http.close()

    def sign_in(self, name: str = "learner", password: str | None = None) -> Client:
        self.http.get("/accounts/login/")
        done = self.post(
            "/accounts/login/", {"login": name, "password": password or self.site.accounts()[name]}, page=True
        )
        assert done.status_code == 200, done.text[:500]
        assert "sessionid" in self.http.cookies, "sign-in failed"
        return self

    def post(self, path: str, data: Mapping[str, str], *, page: bool = False) -> httpx.Response:
        headers = {"X-CSRFToken": self.http.cookies.get("csrftoken") or "", "Referer": self.site.url + path}
        if not page:
            headers["Accept"] = "application/json"
        return self.http.post(path, data=dict(data), headers=headers)

    def submit(self, exercise: str, files: Mapping[str, str], tier: str = "smoke") -> httpx.Response:
        return self.post(
            f"/lessons/{exercise}/submissions/", {f"file:{name}": text for name, text in files.items()} | {"tier": tier}
        )

    def follow(self, ws_path: str, *, after: int = 0, until: str = "done", timeout_s: float = 120) -> list[Any]:
        """Messages of the live log, in order, up to the first of type `until`."""
        cookies = "; ".join(f"{k}={v}" for k, v in self.http.cookies.items())
        address = f"{self.site.url.replace('http', 'ws')}{ws_path}?after={after}"
        messages: list[Any] = []
        deadline = time.monotonic() + timeout_s
        with connect(address, additional_headers={"Cookie": cookies, "Origin": self.site.url}, open_timeout=20) as ws:
            while not messages or messages[-1]["type"] != until:
                messages.append(json.loads(ws.recv(timeout=max(0.1, deadline - time.monotonic()))))
        return messages

    def report(self, run: str) -> dict[str, Any]:
        """The run's Report as the site gives it."""
        answer = self.http.get(f"/runs/{run}/report.json")
        assert answer.status_code == 200, answer.text[:300]
        return dict(answer.json())


def lines(messages: list[Any]) -> list[tuple[int, str]]:
    return [(m["n"], m["text"]) for m in messages if m["type"] == "line"]
