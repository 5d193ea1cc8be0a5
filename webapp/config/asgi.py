"""HTTP and WebSockets. `uvicorn webapp.config.asgi:application`."""

from __future__ import annotations

import os
import resource

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")
FILES = 65_536  # a viewer of a live log is an open file, and many systems begin with a limit of 1,024
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
if soft != resource.RLIM_INFINITY and soft < wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
django.setup(set_prefix=False)  # before the imports below: they need the app registry

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.db import connections  # noqa: E402

from webapp.config.pages import PageHandler  # noqa: E402
from webapp.submissions.routing import websocket_urlpatterns  # noqa: E402

THREADS = 4
KEEP_S = 60  # a thread's connection to the database
connections.settings["default"]["CONN_MAX_AGE"] = KEEP_S
application = ProtocolTypeRouter(
    {
        "http": PageHandler(THREADS),
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
