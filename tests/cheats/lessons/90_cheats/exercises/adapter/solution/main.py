from __future__ import annotations

from kit import fit, pack, save

save(pack(fit()))
