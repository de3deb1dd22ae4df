# shellcheck shell=bash
# What systemd hands to a service that is started by a script. Sourced by the tools, never run.

# Makes a listening socket that was handed over as descriptor 3 (sd_listen_fds(3)) the standard input, for a JVM can take
# no other. Several sockets stay where they are: the program says what is wrong with that.
take_handed_over_socket() {
  if [[ ${LISTEN_FDS:-} == 1 && ${LISTEN_PID:-} == "$$" && -S /proc/self/fd/3 ]]; then
    exec 0<&3 3<&-
  fi
}
