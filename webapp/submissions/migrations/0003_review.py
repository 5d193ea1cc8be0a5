from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("submissions", "0002_run_confirms"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reviewer_name", models.CharField(max_length=150)),
                (
                    "decision",
                    models.CharField(choices=[("accepted", "Accepted"), ("failed", "Not accepted")], max_length=16),
                ),
                ("reason", models.CharField(max_length=2000)),
                ("decided_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-decided_at"],
            },
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["verdict", "finished_at"], name="run_by_verdict"),
        ),
        migrations.AddField(
            model_name="review",
            name="reviewer",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="reviews",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="run",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="review", to="submissions.run"
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(("decision__in", ("accepted", "failed")), models.Q(("reason", ""), _negated=True)),
                name="review_decides_with_a_reason",
            ),
        ),
    ]
