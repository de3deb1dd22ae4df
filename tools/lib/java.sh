# shellcheck shell=bash
# Finds, or installs, what it takes to build and run fdb-nbd: a JDK and Maven. Sourced by the tools, never run.

JDK_MAJOR_MIN=21

# The major version of the JDK at $1, or 0 if there is none. Reads its `release` file: starting a JVM only to ask
# would cost more than the whole search.
jdk_major() {
  local version=0
  if [[ -x $1/bin/java && -x $1/bin/javac ]]; then
    if [[ -r $1/release ]]; then
      version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
    else
      version=$("$1/bin/java" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p')
    fi
  fi
  echo "${version:-0}"
}

# Prints the home of the first JDK that is new enough: JAVA_HOME, the `java` of PATH, then the usual places.
find_jdk() {
  local on_path home
  on_path=$(readlink -f "$(command -v java || true)" || true)
  for home in "${JAVA_HOME:-}" "${on_path%/bin/java}" \
    /usr/lib/jvm/* /opt/* "${HOME:-/root}"/.sdkman/candidates/java/*; do
    if [[ -n $home ]] && (($(jdk_major "$home") >= JDK_MAJOR_MIN)); then
      echo "$home"
      return
    fi
  done
  return 1
}

# The package manager of this machine, if we may use it.
package_manager() {
  local name
  [[ $(id -u) == 0 ]] || return 1
  for name in apt-get dnf zypper apk pacman; do
    if command -v "$name" >/dev/null; then
      echo "$name"
      return
    fi
  done
  return 1
}

refresh_packages() {
  case $1 in
    apt-get) quietly apt-get -qq update ;;
    apk) quietly apk update ;;
    pacman) quietly pacman -Sy ;;
  esac
}

offers_package() {
  case $1 in
    apt-get) [[ -n $(apt-cache show "$2" 2>/dev/null) ]] ;;
    dnf) dnf -q info "$2" >/dev/null 2>&1 ;;
    zypper) zypper -nq search --match-exact "$2" >/dev/null 2>&1 ;;
    apk) [[ -n $(apk search -e "$2" 2>/dev/null) ]] ;;
    pacman) pacman -Si "$2" >/dev/null 2>&1 ;;
  esac
}

install_packages() {
  local manager=$1 command
  shift
  case $manager in
    apt-get) command=(env DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends install) ;;
    dnf) command=(dnf -q -y install) ;;
    zypper) command=(zypper -nq install --no-recommends) ;;
    apk) command=(apk add -q) ;;
    pacman) command=(pacman -S --noconfirm --needed) ;;
  esac
  quietly "${command[@]}" "$@"
}

# Runs a command with the path of a directory behind its arguments, which goes with it.
with_scratch() {
  local scratch status=0
  scratch=$(mktemp -d)
  "$@" "$scratch" || status=$?
  rm -r "$scratch"
  return "$status"
}

# Runs a command whose output nobody needs unless it fails.
quietly() {
  local output
  output=$("$@" 2>&1 </dev/null) || {
    echo "$output" >&2
    return 1
  }
}

# Installs the first of the packages named that the distribution offers; the names differ between distributions.
install_first() {
  local manager name
  manager=$(package_manager) || return 1
  refresh_packages "$manager" || return 1
  for name; do
    if offers_package "$manager" "$name"; then
      echo "installing $name ..." >&2
      install_packages "$manager" "$name"
      return
    fi
  done
  return 1
}

# Exports JAVA_HOME, or ends the program with one sentence.
require_jdk() {
  if ! JAVA_HOME=$(find_jdk); then
    install_first openjdk-25-jdk-headless openjdk-21-jdk-headless java-25-openjdk-devel java-21-openjdk-devel \
      openjdk25-jdk openjdk21-jdk jdk21-openjdk || true
    if ! JAVA_HOME=$(find_jdk); then
      echo "fdb-nbd needs a JDK $JDK_MAJOR_MIN or newer: install the package your distribution has for it, or Eclipse" \
        "Temurin where it has none, and set JAVA_HOME to it." >&2
      exit 1
    fi
  fi
  export JAVA_HOME
}

require_maven() {
  if ! command -v mvn >/dev/null && ! { install_first maven && command -v mvn >/dev/null; }; then
    echo "fdb-nbd is built with Maven 3.8 or newer: install the package maven." >&2
    exit 1
  fi
}
