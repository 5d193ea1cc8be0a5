"""Names that people give themselves: shown to others, so without what could hide, reverse or pile up on a page."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

JOINERS = "\u200c\u200d"  # some scripts and emoji need them between letters
INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
MOST_MARKS = 4  # that may stand on one letter


def clean_name(text: str) -> str:
    """One line, single spaces, composed. Raises ValidationError for signs that are not seen where they stand."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(sign) in INVISIBLE and sign not in JOINERS for sign in name):
        raise ValidationError(
            _("Leave out signs that cannot be seen, such as marks that turn the direction of writing.")
        )
    if re.search(f"(^|[ {JOINERS}])[{JOINERS}]|[{JOINERS}]($| )", name):
        raise ValidationError(_("An invisible joiner may stand only between two letters."))
    marks = "".join("m" if unicodedata.category(sign) in ("Mn", "Me") else "." for sign in name)
    if "m" * (MOST_MARKS + 1) in marks or marks.startswith("m"):
        raise ValidationError(_("Too many accents on one letter."))
    return name
