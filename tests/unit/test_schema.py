"""What the code says it needs of the schema is what alembic would bring."""

from __future__ import annotations

from alembic.script import ScriptDirectory

from app.store.migrate import configure_alembic
from app.store.schema import MIGRATIONS, expected_version


def test_the_expected_version_is_alembics_only_head() -> None:
    assert ScriptDirectory.from_config(configure_alembic()).get_heads() == [expected_version()]


def test_every_migration_file_is_named_after_its_revision() -> None:
    scripts = ScriptDirectory.from_config(configure_alembic())
    revisions = {script.revision for script in scripts.walk_revisions()}
    files = {path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("*.py") if path.stem != "__init__"}
    assert files == revisions
