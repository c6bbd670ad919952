#!/usr/bin/env bash
# Installs the system libraries that the build needs, where they are missing, and says so.
set -euo pipefail

command -v swift >/dev/null || {
    echo "setup: no swift on PATH; Apus needs Swift 6.2 or later: https://www.swift.org/install" >&2
    exit 2
}

missing=()
for package in liblz4-dev libzstd-dev libdeflate-dev pkg-config; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
        missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "setup: please install ${missing[*]} (neither root nor sudo here)" >&2
        exit 2
    }
    as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
