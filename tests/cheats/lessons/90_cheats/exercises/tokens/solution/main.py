from __future__ import annotations

from kit import Server

Server().run()
