# Systems of Debian's packages, and nothing else, to install ours in. Sourced; not run. Needs die().
# shellcheck shell=bash

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/fdb-nbd/root
# The release that this machine is: apt here has its keys.
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null || true)

# The archive of a system with these packages (a list with commas) on top of the smallest there is.
base() { echo "$cache/$suite-$(echo "$1" | sha256sum | cut -c 1-8).tar"; }

# Prints why there can be no such system; nothing if it can be had.
base_obstacle() {
  if ((EUID != 0)); then
    echo "only root may install packages and change the root directory"
  elif ! grep -qsx ID=debian /etc/os-release; then
    echo "the clean system is made of Debian's packages, and this is not Debian"
  elif [[ ! -e $(base "$1") ]] && ! command -v mmdebstrap >/dev/null; then
    echo "mmdebstrap is not installed"
  fi
}

make_base() {
  local new
  [[ ! -e $(base "$1") ]] || return 0
  mkdir -p "$cache"
  new=$(mktemp "$cache/new-XXXXXX.tar")
  echo "making a clean Debian in $cache ..."
  if ! mmdebstrap --quiet --variant=minbase --include="$1" "$suite" "$new" >"$new.log" 2>&1; then
    cat "$new.log" >&2
    rm -f "$new" "$new.log"
    die "mmdebstrap failed"
  fi
  rm -f "$new.log"
  mv "$new" "$(base "$1")"
}
