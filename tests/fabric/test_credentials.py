import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import AuditEntry
from apps.fabric import credentials, selectors, services
from tests.fabric.test_adding import GOOD, PASSWORD, by_certificate

OLD, NEW = {"old": bytes(32)}, {"new": bytes(range(32))}


def test_an_envelope_opens_for_its_owner_only_and_hides_the_secret(settings):
    settings.FABRIC_CREDENTIAL_KEYS = OLD
    envelope = credentials.seal("secret", owner="cluster:1")

    assert "secret" not in envelope and envelope.startswith("v1:old:")
    assert credentials.reveal(envelope, owner="cluster:1") == "secret"
    for other in ({"owner": "cluster:2"},):
        with pytest.raises(credentials.EnvelopeError):
            credentials.reveal(envelope, **other)
    with pytest.raises(credentials.EnvelopeError):
        credentials.reveal(envelope[:-6] + "AAAA==", owner="cluster:1")


@pytest.mark.django_db
def test_rotation_seals_with_the_newest_key_and_the_old_one_may_go(folk, settings, capsys):
    settings.FABRIC_CREDENTIAL_KEYS = OLD
    cluster = services.add_cluster(actor=folk.admin, **GOOD)
    settings.FABRIC_CREDENTIAL_KEYS = NEW | OLD

    call_command("rotate_credential_keys")
    settings.FABRIC_CREDENTIAL_KEYS = NEW
    cluster.refresh_from_db()

    assert "1 sealed anew" in capsys.readouterr().out
    assert selectors.endpoint_for_cluster(cluster).password == PASSWORD
    assert AuditEntry.objects.filter(action="credential.rotate").count() == 1


@pytest.mark.django_db
def test_rotation_without_the_old_key_changes_nothing_and_says_which_is_missing(folk, settings):
    settings.FABRIC_CREDENTIAL_KEYS = OLD
    cluster = services.add_cluster(actor=folk.admin, **GOOD)
    before = cluster.password_envelope
    settings.FABRIC_CREDENTIAL_KEYS = NEW

    with pytest.raises(CommandError, match="old"):
        call_command("rotate_credential_keys")

    cluster.refresh_from_db()
    assert cluster.password_envelope == before


@pytest.mark.django_db
def test_rotation_takes_the_keys_of_client_certificates_too(folk, settings, tmp_path):
    settings.FABRIC_CREDENTIAL_KEYS = OLD
    way = by_certificate(tmp_path)
    cluster = services.add_cluster(actor=folk.admin, **way)
    settings.FABRIC_CREDENTIAL_KEYS = NEW | OLD

    call_command("rotate_credential_keys")
    settings.FABRIC_CREDENTIAL_KEYS = NEW
    cluster.refresh_from_db()

    assert selectors.endpoint_for_cluster(cluster).client_key == way["client_key"]
