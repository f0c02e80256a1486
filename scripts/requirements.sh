#!/bin/sh
# requirements.sh BIN: compiles requirements*.in; the files name packages and hashes, no index.
set -eu
for name in requirements requirements-dev requirements-fuzz requirements-kerberos requirements-kerberos-dev; do
    "$1/pip-compile" --quiet --generate-hashes --allow-unsafe --no-strip-extras --no-header \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
        --output-file "$name.txt" "$name.in"
done
