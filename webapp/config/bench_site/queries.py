"""`python -m webapp.config.bench_site.queries <session>`: how often each page asks the database. Prints JSON.

As a process of a bench's site, on its database; the server itself is not slowed down by counting.
"""

from __future__ import annotations

import json
import sys

import django

from webapp.config.bench_site.pages import BARE, PAGES


def main(session: str) -> dict[str, int]:
    """Raises RuntimeError for a page that does not answer."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    found = {}
    for name, path in PAGES.items():
        client = Client(headers={"host": "127.0.0.1"})
        if name != BARE:
            client.cookies["sessionid"] = session
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        found[name] = len(captured)
    return found


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(main(sys.argv[1])))
