# shellcheck shell=bash
# Sourced by start.sh and stop.sh.

# worker_alive DIR: the process named in DIR/pid is running and is a Connect worker. The command line is asked for, because
# after a reboot the number may belong to another program, and a killed worker may wait as a zombie for its parent.
worker_alive() {
  local pid command
  pid=$(cat "$1/pid" 2>/dev/null) || return 1
  kill -0 "$pid" 2>/dev/null || return 1
  if [ -r "/proc/$pid/cmdline" ]; then
    command=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) || return 1
  else
    command=$(ps -o args= -p "$pid" 2>/dev/null) || return 1
  fi
  case "$command" in *connect.cli.ConnectStandalone*) return 0 ;; *) return 1 ;; esac
}
