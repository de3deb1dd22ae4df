# shellcheck shell=bash
# Gets Prometheus and its promtool beside the system's programs: Debian's package would start a service. Sourced by
# tools/test, never run.

prometheus_bin=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/fdb-nbd/prometheus/bin

# Puts prometheus and promtool into $prometheus_bin. Fails, with what it knows of the reason, where that cannot be done.
install_prometheus() {
  [[ ! -x $prometheus_bin/prometheus || ! -x $prometheus_bin/promtool ]] || return 0
  if [[ $(package_manager || true) != apt-get ]]; then
    echo "it is taken from a package of Debian's, by root" >&2
    return 1
  fi
  with_scratch unpack_prometheus
}

unpack_prometheus() {
  local program
  refresh_packages apt-get || return
  (cd "$1" && quietly apt-get -qq -o APT::Sandbox::User=root download prometheus) || return
  dpkg -x "$1"/prometheus_*.deb "$1/root" || return
  for program in prometheus promtool; do
    quietly "$1/root/usr/bin/$program" --version || return
    install -D "$1/root/usr/bin/$program" "$prometheus_bin/$program" || return
  done
}
