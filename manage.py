#!/usr/bin/env python
"""The one command line: `python manage.py <command>`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, OSError) as error:  # the operator's to mend: a setting, a folder, a full disk
        if os.environ.get("RANKZERO_DEBUG"):
            raise
        sys.exit(f"Rank Zero cannot do this: {error}")


if __name__ == "__main__":
    main()
