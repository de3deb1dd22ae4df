# What the scripts beside this one share. Sourced, in the machine.
# shellcheck shell=bash

seconds_max=300 # of an emulated processor
output=/run/check.output

die() {
  echo "that failed: $*"
  journalctl --no-pager --lines 40
  exit 1
}
trap 'die "line $LINENO of $0: $BASH_COMMAND"' ERR

# step TEXT COMMAND...: the command has to end well.
step() {
  echo "$1"
  shift
  "$@" </dev/null >"$output" 2>&1 || {
    cat "$output"
    die "$*"
  }
}

output_has() { grep -qE -- "$1" "$output" || { cat "$output"; die "there is no \"$1\" in that"; }; }

# until_it TEXT COMMAND...: the command has to end well some time.
until_it() {
  local began=$SECONDS
  echo "$1"
  shift
  until "$@" >"$output" 2>&1; do
    ((SECONDS - began < seconds_max)) || { cat "$output"; die "not in $seconds_max s: $*"; }
    sleep 0.5
  done
}

# The block of code in the manual that has WORDS in it.
manual() {
  awk -v words="$1" 'BEGIN { RS = "" } /^    / && index($0, words) { print; exit }' /check/operations.md | sed 's/^    //' |
    grep . || die "the manual has no $1"
}

# typed TEXT WORDS: does what that block says.
typed() { step "$1: what the manual has with \"$2\"" bash -e -c "$(manual "$2")"; }

# What the server says, since this boot or since the time in $since.
journal() { journalctl --unit fdb-nbd --boot --no-pager --output cat ${since:+--since "$since"}; }

journal_shows() { journal | grep -E -- "$1"; }

journal_has() { until_it "  the journal has: $1" journal_shows "$1"; }
