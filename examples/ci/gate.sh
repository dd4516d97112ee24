#!/usr/bin/env bash
# Judges a server, in any CI with a shell and Python:
#
#     gate.sh BASE_URL [options of `runs-conformance run`] -- COMMAND [ARGUMENTS]
#
# starts COMMAND, waits until BASE_URL responds, judges it, stops COMMAND, and exits like `runs-conformance run`.
# Without `--`, the server must already be running.
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
url=$1 options=() command=()
shift
while [ $# -gt 0 ]; do
  if [ "$1" = "--" ]; then
    shift
    command=("$@")
    break
  fi
  options+=("$1")
  shift
done

if [ ${#command[@]} -gt 0 ]; then
  "${command[@]}" &
  server=$!
  trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
fi

for _ in $(seq "${WAIT:-60}"); do
  curl --silent --output /dev/null "$url" && break
  if [ -n "${server:-}" ] && ! kill -0 "$server" 2>/dev/null; then
    echo "gate.sh: ${command[0]} ended before it responded" >&2
    exit 3
  fi
  sleep 0.5
done

${RUNS_CONFORMANCE:-runs-conformance} run "$url" ${options[@]+"${options[@]}"}
