from apps.operations import redaction


def test_secrets_and_signed_addresses_do_not_show_in_a_script_s_parameters():
    shown = redaction.parameters(
        {
            "Name": "app-01",
            "Password": "hunter2",
            "Url": "https://portal/content/abc",
            "AttestationServerUrl": "https://user:pw@hgs.local:8443/Attestation?sig=1",
            "Pairs": {"@ComputerName@": "app-01", "@ProductKey@": "AAAAA-BBBBB"},
        }
    )

    assert shown == {
        "Name": "app-01",
        "Password": "[redacted]",
        "Url": "[redacted]",
        "AttestationServerUrl": "https://hgs.local:8443/Attestation",
        "Pairs": {"@ComputerName@": "app-01", "@ProductKey@": "[redacted]"},
    }
