"""Who people were when they came is who they are, as far as is known of the time before."""

import django.utils.timezone
from django.db import migrations, models
from django.db.models import F


def from_the_start(apps, schema_editor):
    apps.get_model("accounts", "User").objects.update(vouched_at=F("date_joined"))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_sessions_links_and_preferences")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="vouched_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.RunPython(from_the_start, migrations.RunPython.noop, elidable=True),
    ]
