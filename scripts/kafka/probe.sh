#!/usr/bin/env bash
# probe.sh PORT [metadata|versions]: exit code 0 when a Kafka broker answers on 127.0.0.1:PORT.
#
# metadata (the default) asks for the list of brokers and wants at least one: a broker that accepts connections but is
# not yet registered answers with none. versions asks for ApiVersions, the one request that a SASL listener answers
# before the client has authenticated. Bash alone, because a Java client would take longer than the broker's start.
set -euo pipefail

port=$1
export LC_ALL=C

# A request is: length, api key, api version, correlation id 1, no client id, body.
case "${2:-metadata}" in
  metadata) request='\x00\x00\x00\x0e\x00\x03\x00\x01\x00\x00\x00\x01\xff\xff\x00\x00\x00\x00' ;;
  versions) request='\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x01\xff\xff' ;;
  *) echo "probe.sh: unknown probe $2" >&2; exit 2 ;;
esac

{ exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || exit 1
# shellcheck disable=SC2059 # the request is a format on purpose: its escapes are the bytes
printf "$request" >&3 2>/dev/null || exit 1

# int32 reads four bytes, big end first, into REPLY. With NUL as the delimiter an empty read is a zero byte.
int32() {
  local byte code sum=0
  for _ in 1 2 3 4; do
    IFS= read -r -t 3 -d '' -n 1 byte <&3 || exit 1
    code=0
    [ -z "$byte" ] || printf -v code '%d' "'$byte"
    sum=$(((sum << 8) | (code & 255)))
  done
  REPLY=$sum
}

int32 # length
int32 # correlation id
[ "$REPLY" -eq 1 ] || exit 1
int32 # metadata v1: number of brokers; versions v0: error code (0) and the high half of the number of keys
case "${2:-metadata}" in
  metadata) [ "$REPLY" -ge 1 ] ;;
  versions) [ "$((REPLY >> 16))" -eq 0 ] ;;
esac
