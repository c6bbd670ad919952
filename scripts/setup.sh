#!/usr/bin/env bash
# Makes sure that what the build needs is there, and installs through apt what is not.
#
#   scripts/setup.sh           what building and benchmarking need
#   scripts/setup.sh --test    and what the tests need on top
#   scripts/setup.sh --crash   what building and the crash layers need
#   scripts/setup.sh --count   what building and counting instructions need
#   scripts/setup.sh --interop what building and the unmodified C++ client need
#
# Quick and silent when nothing is missing, so that every make target can begin with it.
set -euo pipefail

least_swift=6.2
packages=() # what to install

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# need PACKAGE REASON TEST...: installs PACKAGE later unless the command TEST succeeds now.
need() {
    local package=$1 reason=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        say "missing: $package ($reason)"
        packages+=("$package")
    fi
}

check_swift() {
    local where='Get it from https://www.swift.org/install/linux/ and put its usr/bin into PATH.'
    command -v swift >/dev/null || fail "Swift $least_swift or later is needed; none is in PATH." \
        "$where"
    local version
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+(\.[0-9]+)*).*/\1/p')
    [[ -n $version ]] || fail "$(command -v swift) does not tell its version; it may lack a" \
        "library: try 'swift --version'. Swift $least_swift or later is needed." "$where"
    local older
    older=$(printf '%s\n%s\n' "$least_swift" "$version" | sort -V | head -n 1)
    [[ $older == "$least_swift" ]] \
        || fail "Swift $least_swift or later is needed; this is $version." "$where"
}

check_for_build() {
    need git 'SwiftPM fetches dependencies with it' command -v git
    need ca-certificates 'for fetching over https' test -e /etc/ssl/certs/ca-certificates.crt
    need libc6-dev 'the C headers that Swift builds against' test -e /usr/include/stdio.h
    need pkg-config 'SwiftPM finds the libraries with it' command -v pkg-config
    # By the header: pkg-config cannot be asked before it is installed.
    need liblz4-dev 'bodies compressed with LZ4' header lz4frame.h
    need libzstd-dev 'bodies compressed with Zstandard' header zstd.h
    need libdeflate-dev 'bodies compressed with zlib' header libdeflate.h
}

# header NAME: whether the C compiler's usual places have it.
header() {
    local place
    for place in /usr/include /usr/local/include; do
        [[ -e $place/$1 ]] && return 0
    done
    return 1
}

check_for_tests() {
    need tar 'unpacks the stores that a Java broker wrote' command -v tar
    need gzip 'unpacks the stores that a Java broker wrote' command -v gzip
}

# `command -v` finds mkfs and losetup for root only where these directories are in PATH.
program() { PATH=$PATH:/usr/sbin:/sbin command -v "$1"; }

check_for_crashes() {
    need python3 'runs the crash layers' command -v python3
    need gcc 'compiles the disk that records' command -v cc
    need fuse3 'serves that disk' program fusermount3
    need libfuse3-dev 'and its header' header fuse3/fuse.h
    need mount 'mounts file systems from images' program losetup
    need e2fsprogs 'makes ext4' program mkfs.ext4
    need xfsprogs 'makes XFS' program mkfs.xfs
}

check_for_counting() {
    need python3 'reads what was counted' command -v python3
    need valgrind 'counts instructions' command -v valgrind
    need binutils 'takes debug information away that valgrind cannot read' command -v strip
}

check_for_interop() {
    need python3 'runs the C++ client' command -v python3
    need python3-venv 'keeps that client apart' python3 -c 'import ensurepip, venv'
}

install_missing() {
    local wish="apt-get install ${packages[*]}"
    command -v apt-get >/dev/null \
        || fail "There is no apt here. Install what Debian calls: ${packages[*]}"
    local as_root=()
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo >/dev/null \
            || fail 'Neither root nor sudo. As root, once:' "    $wish"
        as_root=(sudo)
    fi
    say "installing with apt: ${packages[*]}"
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
    "${apt[@]}" update
    "${apt[@]}" install --no-install-recommends "${packages[@]}"
}

case ${1-} in
    '' | --test | --crash | --count | --interop) ;;
    *) fail "usage: scripts/setup.sh [--test | --crash | --count | --interop]" ;;
esac
check_swift
check_for_build
if [[ ${1-} == --test ]]; then check_for_tests; fi
if [[ ${1-} == --crash ]]; then check_for_crashes; fi
if [[ ${1-} == --count ]]; then check_for_counting; fi
if [[ ${1-} == --interop ]]; then check_for_interop; fi
if ((${#packages[@]})); then install_missing; fi
