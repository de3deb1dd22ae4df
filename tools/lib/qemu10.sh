# shellcheck shell=bash
# Gets qemu-img and qemu-io of QEMU 10, which speak NBD's extended headers, beside those of the system: Debian 12 has
# them in its backports. Sourced by tools/test, never run.

qemu10_bin=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/fdb-nbd/qemu-10/bin

# Puts qemu-img-10 and qemu-io-10 into $qemu10_bin. Fails, with what it knows of the reason, where that cannot be done.
install_qemu10() {
  [[ ! -x $qemu10_bin/qemu-img-10 || ! -x $qemu10_bin/qemu-io-10 ]] || return 0
  if [[ $(package_manager || true) != apt-get ]] || ! grep -qsx VERSION_CODENAME=bookworm /etc/os-release; then
    echo "it is taken from the backports of Debian 12, by root" >&2
    return 1
  fi
  with_scratch unpack_qemu10
}

# With lists and a cache of its own: the system's apt knows nothing of backports before or after.
unpack_qemu10() {
  local work=$1 root=${qemu10_bin%/bin} suite=bookworm-backports mirror libraries program
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
  local apt=(-o "Dir::Etc::SourceList=$work/sources" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
  mkdir -p "$work"/{lists,cache}/partial "$work/root"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} $suite main" \
    >"$work/sources"
  quietly apt-get -qq "${apt[@]}" update || return
  (cd "$work" && quietly apt-get -qq "${apt[@]}" download "qemu-utils/$suite") || return
  dpkg -x "$work"/qemu-utils_*.deb "$work/root" || return
  # The libraries are those of Debian 12, and qemu-utils of Debian 12 does not need all of them.
  mapfile -t libraries < <(dpkg-deb -f "$work"/qemu-utils_*.deb Depends | tr ',' '\n' | sed -n 's/^ *\([^ ]*\).*/\1/p')
  if ldd "$work"/root/usr/bin/qemu-{img,io} | grep -q 'not found'; then
    install_packages apt-get "${libraries[@]}" || return
  fi
  for program in qemu-img qemu-io; do
    "$work/root/usr/bin/$program" --version >/dev/null || return
    install -D "$work/root/usr/bin/$program" "$root/bin/$program-10" || return
  done
}
