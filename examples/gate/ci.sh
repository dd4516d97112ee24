#!/usr/bin/env bash
# Starts the server, waits until it accepts connections, and judges it. Arguments are passed to `runs-conformance run`.
set -euo pipefail
cd "$(dirname "$0")"
export PORT=${PORT:-8000}
python=${PYTHON:-python3}

"$python" server.py &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT

for _ in $(seq 150); do
  (: < "/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && break
  kill -0 "$server" || exit 3
  sleep 0.1
done

"$python" -m runs_conformance run "http://127.0.0.1:$PORT/v1" --no-database "$@"
