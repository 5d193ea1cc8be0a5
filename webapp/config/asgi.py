"""HTTP and WebSockets. `uvicorn webapp.config.asgi:application`."""

from __future__ import annotations

import os
import resource
import warnings

from django.core.asgi import get_asgi_application

# WhiteNoise hands files over by a plain iterator; Django reads each (all are small) in a thread, and warns of it.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")
FILES = 65_536  # a viewer of a live log is an open file, and many systems begin with a limit of 1,024
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
if soft != resource.RLIM_INFINITY and soft < wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
http = get_asgi_application()  # before the imports below: they need the app registry

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from webapp.submissions.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
