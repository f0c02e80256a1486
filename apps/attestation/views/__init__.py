"""Pages of attestation: fetch restricted, call one service, render."""
