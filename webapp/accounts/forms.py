from __future__ import annotations

from django import forms

from webapp.accounts.models import User


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the type checker
    class Meta:
        model = User
        fields = ["display_name"]
        labels = {"display_name": "Name"}
        help_texts = {"display_name": "Shown to you and to your instructors."}
