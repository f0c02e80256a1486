"""A step of its own: PostgreSQL doesn't change a table that the same transaction filled."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("vms", "0007_sealed_values")]

    operations = [migrations.RemoveField("Deployment", "specialization")]
