#!/bin/sh
# Makes the repository's own virtual environment and installs Vivavoce into it; touches no other Python.
#
#   scripts/setup.sh VENV EXTRA[,EXTRA...]
#
# PYTHON names the interpreter to use; without it the first of python3, python3.13 … python3.11 that is new enough. uv does the
# work where it is installed, pip otherwise: the environment is the same. The Makefile calls this once and keeps a stamp.
set -eu
cd "$(dirname "$0")/.."
venv=$1
extras=$2

say() { printf '%s\n' "$*" >&2; }
has_uv() { command -v uv >/dev/null; }
die() { say "setup: $1"; shift; for line in "$@"; do say "  $line"; done; exit 1; }
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
version_of() { "$1" -c 'import sys; print(sys.version_info[:2])' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python}; do
        if is_new_enough "$candidate"; then echo "$candidate"; return; fi
    done
    return 1
}

is_usable() {
    is_new_enough "$venv/bin/python" && "$venv/bin/python" -c 'import pip' 2>/dev/null || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$venv/bin/python")" ]
}

make_venv() {
    rm -rf "$venv"
    python=$(find_python) || python=
    # uv brings a Python of its own where there is no other. The environment has pip too, for the day uv is gone.
    if has_uv && uv venv --quiet --seed --python "${python:-3.13}" "$venv"; then return; fi
    [ -n "$python" ] || die "Vivavoce needs Python ≥ 3.11, and none was found (python3 is: $(python3 --version 2>&1 || true))." \
        "Install one, or name one you have: PYTHON=/path/to/python3.12 make demo" \
        "uv, once installed, fetches one by itself: https://docs.astral.sh/uv/"
    rm -rf "$venv"
    if ! message=$("$python" -m venv "$venv" 2>&1); then
        rm -rf "$venv"
        die "$python could not make a virtual environment:" "$message" \
            "On Debian and Ubuntu the missing part is a package: apt-get install python3-venv"
    fi
}

install_with_uv() { has_uv && uv pip install --quiet --python "$venv/bin/python" --editable ".[$extras]"; }
install_with_pip() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --editable ".[$extras]"
}

if [ -n "${PYTHON:-}" ] && ! is_new_enough "$PYTHON"; then
    die "PYTHON=$PYTHON is not a Python ≥ 3.11." "Name one that is, or leave PYTHON out."
fi
is_usable || make_venv
say "setup: installing Vivavoce with [$extras] into $venv (once; a minute or so)"
install_with_uv || install_with_pip || die "the packages named in pyproject.toml could not be installed; the reason is above." \
    "They come from PyPI. Is it reachable from here? Behind a proxy set HTTPS_PROXY; with a mirror set PIP_INDEX_URL." \
    "Then run the same command again: it goes on where it stopped."
