#!/bin/sh
# venv.sh PYTHON REQUIREMENTS: makes .venv and installs the pinned requirements, unless they are there.
set -eu
python=$1 requirements=$2
venv=.venv
stamp=$venv/.installed-$requirements

if [ ! -x "$venv/bin/python" ]; then
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "Python 3.11 or newer is needed; $python is older. Set PYTHON=…" >&2
        exit 1
    }
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            echo "Python's venv module is missing: sudo apt-get install python3-venv" >&2
            exit 1
        fi
        apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
        "$python" -m venv "$venv"
    fi
fi
wanted=$(cat "$requirements" "$(dirname "$requirements")/requirements.txt" | sha256sum | cut -d ' ' -f 1)
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
    echo "Installing $requirements …"
    "$venv/bin/python" -m pip install --quiet --require-hashes --requirement "$requirements"
    echo "$wanted" >"$stamp"
fi
