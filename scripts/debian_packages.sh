#!/bin/sh
# Installs, as far as it can, the Debian packages that are named and missing; never fails, says what stays missing.
#
#   scripts/debian_packages.sh make venv flite
#
# It can where apt-get is there and we are root. Nothing but the test run uses it: `make demo` needs none of them.
set -u

is_there() {
    case $1 in
        venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        node) command -v node >/dev/null && command -v npm >/dev/null ;;
        postgres) command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 ;; # not on the path
        *) command -v "$1" >/dev/null ;;
    esac
}
packages_of() {
    case $1 in
        venv) echo python3 python3-venv ;;
        node) echo nodejs npm ;;
        postgres) echo postgresql ;;
        chromium) echo chromium fonts-liberation ;;
        *) echo "$1" ;;
    esac
}
apt() {
    DEBIAN_FRONTEND=noninteractive timeout 180 apt-get -qq -o Acquire::http::Timeout=20 -o Acquire::Retries=2 -o DPkg::Lock::Timeout=60 "$@" </dev/null
}

packages=
for need in "$@"; do
    is_there "$need" || packages="$packages $(packages_of "$need")"
done
[ -n "$packages" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "apt-get install$packages" >&2
    # The package lists of a fresh container are empty, those of an old machine out of date.
    # shellcheck disable=SC2086  # a list of names
    apt install -y --no-install-recommends $packages >/dev/null 2>&1 ||
        { apt update && apt install -y --no-install-recommends $packages; } >&2
fi
for need in "$@"; do
    is_there "$need" || echo "going on without $need (on Debian, as root: apt-get install $(packages_of "$need"))" >&2
done
exit 0
