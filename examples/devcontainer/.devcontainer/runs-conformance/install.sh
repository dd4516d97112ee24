#!/bin/sh
# Installs the suite into an environment of its own; the build runs this as root with the options as variables.
set -eu
prefix=${PREFIX_FOLDER:-/opt/runs-conformance}
commands=${COMMANDS_FOLDER:-/usr/local/bin}
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo 'runs-conformance needs Python 3.11 or newer in the image' >&2; exit 1; }
python3 -m venv "$prefix"
"$prefix/bin/pip" install --no-cache-dir --quiet "${REQUIREMENT:-runs-conformance[serve]}"
ln -sf "$prefix/bin/runs-conformance" "$commands/runs-conformance"
