# shellcheck shell=bash
# Sourced by start.sh and stop.sh.

# server_alive DIR: the process named in DIR/pid is running and is a MariaDB server. The command line is asked for,
# because after a reboot the number may belong to another program, and a killed server may wait as a zombie for its parent.
server_alive() {
  local pid command
  pid=$(cat "$1/pid" 2>/dev/null) || return 1
  kill -0 "$pid" 2>/dev/null || return 1
  if [ -r "/proc/$pid/cmdline" ]; then
    command=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) || return 1
  else
    command=$(ps -o args= -p "$pid" 2>/dev/null) || return 1
  fi
  case "$command" in *mariadbd*) return 0 ;; *) return 1 ;; esac
}
