"""Values for answer files are sealed at rest: they hold passwords and product keys."""

import json

from django.db import migrations, models

from apps.fabric import credentials


def seal(apps, schema_editor):
    deployments = apps.get_model("vms", "Deployment")
    for row in deployments.objects.exclude(specialization={}).iterator():
        text, owner = json.dumps(row.specialization), f"deployment-values:{row.pk}"
        row.sealed_values = credentials.seal(text, owner=owner)
        row.save(update_fields=["sealed_values"])


class Migration(migrations.Migration):

    dependencies = [("vms", "0006_search_index")]

    operations = [
        migrations.AddField("Deployment", "sealed_values", models.TextField(blank=True, default=""),
                            preserve_default=False),
        migrations.RunPython(seal, migrations.RunPython.noop),
    ]
