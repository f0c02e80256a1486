"""Every entry gets its hash; the log becomes a Merkle tree."""

from django.db import migrations, models

from apps.audit import leaves, tree


def hash_entries(apps, schema_editor):
    entries = apps.get_model("audit", "AuditEntry")
    peaks, size, changed = [], 0, []
    for entry in entries.objects.order_by("index").iterator(chunk_size=1000):
        entry.detail = leaves.plain(entry.detail)
        leaf = tree.leaf_hash(leaves.text_of(entry).encode())
        peaks, completed = tree.appended(peaks, size, leaf)
        size += 1
        entry.hash, entry.subtrees = leaf.hex(), [node.hex() for node in completed]
        changed.append(entry)
        if len(changed) == 1000:
            entries.objects.bulk_update(changed, ["detail", "hash", "subtrees"])
            changed = []
    entries.objects.bulk_update(changed, ["detail", "hash", "subtrees"])
    apps.get_model("audit", "AuditHead").objects.update(peaks=[peak.hex() for peak in peaks])


class Migration(migrations.Migration):

    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.AddField("AuditEntry", "subtrees", models.JSONField(default=list)),
        migrations.AddField("AuditHead", "peaks", models.JSONField(default=list)),
        migrations.RunPython(hash_entries, migrations.RunPython.noop),
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False, auto_created=True, verbose_name="ID")),
                ("size", models.BigIntegerField(unique=True)),
                ("root", models.CharField(max_length=64)),
                ("note", models.TextField()),
                ("created_at", models.DateTimeField()),
            ],
            options={"ordering": ["-size"]},
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False, auto_created=True, verbose_name="ID")),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("size", models.BigIntegerField(default=0)),
                ("problem", models.TextField(blank=True)),
            ],
            options={"ordering": ["-started_at"]},
        ),
    ]
