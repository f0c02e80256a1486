"""An index for searches of three letters or more, on PostgreSQL where its extension may be made."""

from django.db import migrations

# pg_trgm is trusted: whoever may create in the database may create it. Elsewhere an administrator
# creates it; without it searches read all names.
MAY_CREATE = """
SELECT EXISTS (
    SELECT FROM pg_available_extension_versions
    WHERE name = 'pg_trgm' AND (
        current_setting('is_superuser') = 'on'
        OR trusted AND has_database_privilege(current_database(), 'CREATE')
    )
)
"""
IS_THERE = """
SELECT EXISTS (
    SELECT FROM pg_opclass WHERE opcname = 'gin_trgm_ops' AND pg_opclass_is_visible(oid)
)
"""
# As `icontains` writes it.
INDEX = """
CREATE INDEX IF NOT EXISTS vm_by_part_of_name
ON vms_virtualmachine USING gin (UPPER(name::text) gin_trgm_ops)
"""


def create(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        if not _says(cursor, IS_THERE) and _says(cursor, MAY_CREATE):
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        if _says(cursor, IS_THERE):
            cursor.execute(INDEX)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS vm_by_part_of_name")


def _says(cursor, question):
    cursor.execute(question)
    return cursor.fetchone()[0]


class Migration(migrations.Migration):
    dependencies = [("vms", "0005_cluster_counts")]

    operations = [migrations.RunPython(create, drop, elidable=False)]
