# shellcheck shell=bash
# Starts the program with the JVM flags that it is measured with. Sourced by tools/fdb-nbd and by the package's fdb-nbd.

# launch JAVA JAR ARGUMENTS...
# FDB_NBD_JAVA_OPTS adds JVM flags, or names others than these.
launch() {
  launch_java=$1
  launch_jar=$2
  launch_lib=${launch_jar%/*}
  shift 2
  set -- -jar "$launch_jar" "$@"
  set -f # words, not patterns of files
  # shellcheck disable=SC2086
  set -- ${FDB_NBD_JAVA_OPTS:-} "$@"
  # What only a package has: classes as the JVM maps them, and the native libraries, which are extracted into the
  # directory for temporary files otherwise.
  if [ -e "$launch_lib/classes.jsa" ]; then
    set -- "-XX:SharedArchiveFile=$launch_lib/classes.jsa" "-Djava.library.path=$launch_lib/native" "$@"
  fi
  # G1 is the JVM's own choice, except on a machine with one core or under 2 GB, where it would take the serial collector
  # and stop every connection for each full collection.
  # One poller thread wakes the virtual threads that wait for sockets, instead of a cascade of virtual ones: 1.1 to 1.5
  # times the requests a second on two cores. A JDK that does not know the property ignores it.
  # Virtual threads have no time slices, but their carriers have: with more of these than processors a client that keeps
  # some busy leaves others for everybody else.
  set -- -XX:+UseG1GC -Djdk.pollerMode=1 \
    "-Djdk.virtualThreadScheduler.parallelism=$(($(nproc) * 2 + 2))" --enable-native-access=ALL-UNNAMED "$@"
  # glibc gives busy threads heaps of their own, and each keeps what RocksDB's buffers leave behind: hundreds of MB.
  export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
  take_handed_over_socket
  exec "$launch_java" "$@"
}

# Makes a listening socket that was handed over as descriptor 3 (sd_listen_fds(3)) the standard input, for a JVM can take
# no other. Several sockets stay where they are: the program says what is wrong with that.
take_handed_over_socket() {
  if [[ ${LISTEN_FDS:-} == 1 && ${LISTEN_PID:-} == "$$" && -S /proc/self/fd/3 ]]; then
    exec 0<&3 3<&-
  fi
}
