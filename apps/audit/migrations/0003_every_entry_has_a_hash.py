"""A step of its own: PostgreSQL doesn't change a table that the same transaction filled."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("audit", "0002_the_tree")]

    operations = [
        migrations.AlterField("AuditEntry", "hash", models.CharField(max_length=64)),
    ]
