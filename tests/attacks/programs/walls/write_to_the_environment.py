"""Changes the packages that the next run imports."""

from __future__ import annotations

import os
import sys

from kit import attempt

ATTACK = {"says": "((EROFS|EACCES|EPERM) ?){5}"}
CONTROL = {"says": "planted"}


def attack() -> None:
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    print(
        attempt(open, f"{packages}/sitecustomize.py", "w"),
        attempt(open, os.__file__, "a"),
        attempt(os.mkdir, f"{packages}/numpy2"),
        attempt(os.rename, os.__file__, f"{os.__file__}.old"),
        attempt(os.symlink, "/work", f"{sys.prefix}/bin/pip2"),
    )


def control() -> None:
    with open("/work/planted.py", "w") as file:
        file.write("print('planted')")
    sys.path.append("/work")
    __import__("planted")
