# shellcheck shell=bash
# What the scripts of this directory share. Source it, do not run it.
#
#   HOLDFAST_KIT    where programs that are unpacked for the tests are kept
#                   (default: /opt/holdfast-kit as root, else ~/.cache/holdfast-kit)
#   HOLDFAST_APT    apt mirror to use for other Debian suites (default: the one this machine is
#                   configured with)

shopt -s inherit_errexit
export LC_ALL=C.UTF-8
umask 022

me=${0##*/}

set -E
trap 'rc=$?; printf "%s: line %s: \"%s\" failed (%s)\n" "$me" "$LINENO" "${BASH_COMMAND:0:70}" "$rc" >&2' ERR

log() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { log "$*"; exit 1; }

need() {
    local c
    for c in "$@"; do
        command -v "$c" >/dev/null 2>&1 || die "needs the command '$c'"
    done
}

kit_dir() {
    if [[ -n ${HOLDFAST_KIT:-} ]]; then
        printf '%s\n' "$HOLDFAST_KIT"
    elif (( EUID == 0 )); then
        printf '/opt/holdfast-kit\n'
    else
        printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/holdfast-kit"
    fi
}

# with_lock FILE COMMAND...: one at a time, so two jobs may install the same thing at once. The
# command runs in a subshell, where any failure ends it.
with_lock() {
    local file=$1; shift
    mkdir -p "$(dirname "$file")"
    ( exec 9>"$file"; flock 9; "$@" 9>&- )
}

# retry N COMMAND...: for downloads.
retry() {
    local n=$1 i; shift
    for (( i = 1; i <= n; i++ )); do
        "$@" && return 0
        (( i == n )) || { log "try $i of $n failed: $1; again in $(( i * 2 )) s"; sleep $(( i * 2 )); }
    done
    return 1
}

# apt_missing PACKAGE...: those of them that are not installed.
apt_missing() {
    local p
    for p in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) == installed ]] || printf '%s\n' "$p"
    done
}

# apt_install PACKAGE...: what is missing of these, without starting any service.
apt_install() {
    local missing
    mapfile -t missing < <(apt_missing "$@")
    (( ${#missing[@]} )) || return 0
    (( EUID == 0 )) || die "not installed: ${missing[*]} (run as root once, or: apt-get install ${missing[*]})"
    apt-cache show "${missing[@]}" >/dev/null 2>&1 || retry 3 apt-get -qq update >&2
    log "apt: ${missing[*]}"
    (
        policy=/usr/sbin/policy-rc.d
        if [[ ! -e $policy ]]; then
            trap 'rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod 0755 "$policy"
        fi
        DEBIAN_FRONTEND=noninteractive retry 3 apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
            -o DPkg::Lock::Timeout=300 install "${missing[@]}" </dev/null >"${TMPDIR:-/tmp}/apt.$$" 2>&1 ||
            { cat "${TMPDIR:-/tmp}/apt.$$" >&2; exit 1; }
        rm -f "${TMPDIR:-/tmp}/apt.$$"
    )
}

# kv KEY VALUE: a line the shell can read; other than plain characters are put in single quotes.
kv() {
    if [[ $2 =~ ^[A-Za-z0-9_@%+=:,./-]+$ ]]; then
        printf '%s=%s\n' "$1" "$2"
    else
        printf "%s='%s'\n" "$1" "${2//\'/\'\\\'\'}"
    fi
}
