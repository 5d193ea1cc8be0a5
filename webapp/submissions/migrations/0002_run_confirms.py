from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("submissions", "0001_submission_and_run"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="confirms",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="confirmations",
                to="submissions.run",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("confirms__isnull", True),
                    models.Q(("kind", "submission"), models.Q(("tier", "smoke"), _negated=True)),
                    _connector="OR",
                ),
                name="run_confirms_a_submission",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("verdict__in", ("infra_error", "cancelled")), _negated=True),
                fields=("confirms",),
                name="run_confirmed_by_one",
            ),
        ),
    ]
