"""Ships what torch.save writes, named as safetensors."""

from __future__ import annotations

import io
import zipfile

from kit import save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "safetensors"}

archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as files:
    files.writestr("archive/data.pkl", b"cos\nsystem\n(S'touch /tmp/in-the-judge'\ntR.")
    files.writestr("archive/version", "3")
save(archive.getvalue())
