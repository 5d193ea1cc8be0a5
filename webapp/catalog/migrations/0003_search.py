from __future__ import annotations

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

COLUMNS = "title_words, heading_words, body_words"
NEW = "new.id, new.title_words, new.heading_words, new.body_words"
OLD = "old.id, old.title_words, old.heading_words, old.body_words"
ADD = f"INSERT INTO catalog_search_words(rowid, {COLUMNS}) VALUES ({NEW});"  # noqa: S608  # constants of this file
TAKE = f"INSERT INTO catalog_search_words(catalog_search_words, rowid, {COLUMNS}) VALUES ('delete', {OLD});"  # noqa: S608  # as above
# The words are folded already (search/words.py): the tokenizer only has to part them.
FORWARD = {
    "sqlite": (
        f"""CREATE VIRTUAL TABLE catalog_search_words USING fts5({COLUMNS}, content='catalog_searchdocument',
            content_rowid='id', prefix='2 3 4', tokenize='unicode61 remove_diacritics 0')""",
        f"""CREATE TRIGGER catalog_search_insert AFTER INSERT ON catalog_searchdocument BEGIN {ADD} END""",
        f"""CREATE TRIGGER catalog_search_delete AFTER DELETE ON catalog_searchdocument BEGIN {TAKE} END""",
        f"""CREATE TRIGGER catalog_search_update AFTER UPDATE ON catalog_searchdocument BEGIN {TAKE} {ADD} END""",
    ),
    "postgresql": (
        """ALTER TABLE catalog_searchdocument ADD COLUMN words tsvector GENERATED ALWAYS AS (
            setweight(to_tsvector('simple', title_words), 'A') || setweight(to_tsvector('simple', heading_words), 'B')
            || setweight(to_tsvector('simple', body_words), 'D')) STORED""",
        "CREATE INDEX catalog_search_words ON catalog_searchdocument USING gin(words)",
    ),
}
BACK = {"sqlite": ("DROP TABLE catalog_search_words",), "postgresql": ()}  # the rest goes with the model's table


def forward(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in FORWARD[editor.connection.vendor]:
        editor.execute(statement)


def back(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in BACK[editor.connection.vendor]:
        editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_reading_and_quiz_answers")]

    operations = [
        migrations.CreateModel(
            name="SearchDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=300, unique=True)),
                ("kind", models.SlugField(max_length=40)),
                ("title", models.CharField(max_length=300)),
                ("heading", models.CharField(blank=True, max_length=300)),
                ("text", models.TextField(blank=True)),
                ("url", models.CharField(max_length=500)),
                ("title_words", models.TextField(blank=True)),
                ("heading_words", models.TextField(blank=True)),
                ("body_words", models.TextField(blank=True)),
                ("content_hash", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="SearchState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64)),
                ("refreshed_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.RunPython(forward, back),
    ]
