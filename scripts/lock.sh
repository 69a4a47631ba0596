#!/bin/sh
# Writes the lock files into the folder named first; pins that are already in it are kept as long as they fit.
# More arguments go to uv (`--upgrade`). No lock file names a registry: whoever installs chooses it.
set -eu
folder="$1"
shift
compile() {
    scripts/uv.sh pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --only-binary :all: --no-binary plaid-python --quiet "$@"
}
compile pyproject.toml --group dev -o "$folder/dev.txt" "$@"
# the same versions for those who only run it
compile pyproject.toml --group build -c "$folder/dev.txt" -o "$folder/runtime.txt" "$@"
echo 'uv>=0.13' | compile - -o "$folder/bootstrap.txt" "$@"
