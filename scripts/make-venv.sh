#!/bin/sh
# Makes the virtual environment named first, with the first of the other arguments that is Python 3.11 to 3.13 and can.
# A whole one, made in this folder, is kept. A name on PATH is not enough: version managers leave names behind whose
# Python is not installed.
folder="$1"
shift
supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

if grep -qF "$PWD/$folder" "$folder/bin/activate" 2>/dev/null && "$folder/bin/python" -c "$supported" 2>/dev/null &&
    "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

incomplete=""
for candidate in "$@"; do
    "$candidate" -c "$supported" 2>/dev/null || continue
    if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "Making $folder with $("$candidate" --version)"
        exec "$candidate" -m venv --clear "$folder"
    fi
    incomplete="${incomplete:-$candidate}"
done
if [ -n "$incomplete" ]; then
    echo "$incomplete cannot make virtual environments: install its venv package (on Debian and Ubuntu:" \
        "apt-get install python3-venv), or name another Python with \`make setup PYTHON=/path/to/python3\`." >&2
else
    echo "bank_sync needs Python 3.11, 3.12 or 3.13, and none of these is one: $*. Install one, or name it" \
        "with \`make setup PYTHON=/path/to/python3\`." >&2
fi
exit 1
