"""HTTP and WebSockets. `uvicorn webapp.config.asgi:application`."""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING, cast

from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from a2wsgi.wsgi_typing import WSGIApp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")
FILES = 65_536  # a viewer of a live log is an open file, and many systems begin with a limit of 1,024
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
if soft != resource.RLIM_INFINITY and soft < wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
pages = get_wsgi_application()  # before the imports below: they need the app registry

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.db import connections  # noqa: E402

from webapp.submissions.routing import websocket_urlpatterns  # noqa: E402

# No view is asynchronous. Django would give each request a thread and a database connection of its own; here a few
# threads stay, with theirs: a page costs half (docs/measurements.md). More threads than this only wait for each other.
THREADS = 8
connections.settings["default"]["CONN_MAX_AGE"] = 60
application = ProtocolTypeRouter(
    {
        "http": WSGIMiddleware(cast("WSGIApp", pages), workers=THREADS),
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
