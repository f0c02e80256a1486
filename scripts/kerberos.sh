#!/bin/sh
# kerberos.sh PYTHON: the Kerberos extra in .venv. Its packages are built here (two minutes the first time, pip
# keeps what it has built), so a compiler and libkrb5 come first, by apt where that may be.
set -eu
missing() { ! command -v krb5-config >/dev/null || ! command -v gcc >/dev/null; }
install="apt-get install -y -qq --no-install-recommends libkrb5-dev gcc libc6-dev python3-dev"
if missing; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive $install >/dev/null
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n apt-get update -qq && sudo -n $install >/dev/null
    fi
fi
if missing; then
    echo "Kerberos needs libkrb5's headers and a compiler: sudo $install" >&2
    exit 1
fi
exec sh scripts/venv.sh "$1" requirements-kerberos-dev.txt
