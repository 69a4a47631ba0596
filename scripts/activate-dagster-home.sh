#!/bin/sh
# Makes `dagster dev` and `dagster asset materialize`, typed by hand in the activated environment, use the project's
# Dagster home. May run any number of times.
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
home="$root/.bank_sync/dagster"
mkdir -p "$home"
ln -sfn ../../dagster.yaml "$home/dagster.yaml"
activate="$root/.venv/bin/activate"
if ! grep -q '^# bank_sync: ' "$activate"; then
    cat >> "$activate" <<LINES

# bank_sync: where Dagster finds its configuration
DAGSTER_HOME="\${VIRTUAL_ENV%/.venv}/.bank_sync/dagster"
export DAGSTER_HOME
LINES
fi
