#!/bin/sh
# uv of .venv, on the package registry that pip is configured for: uv does not read pip's configuration, and behind a
# company's mirror that is often the only place which names the registry. What is set for uv itself wins.
venv="$(dirname "$0")/../.venv"
pip_setting() {
    "$venv/bin/python" -m pip config get "$1" 2>/dev/null
}
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    index="${PIP_INDEX_URL:-$(pip_setting global.index-url)}"
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
fi
if [ -z "${SSL_CERT_FILE:-}" ]; then
    certificates="${PIP_CERT:-$(pip_setting global.cert)}"
    [ -z "$certificates" ] || export SSL_CERT_FILE="$certificates"
fi
# a company's own certificate authority stands in the system's store, where there is one
for store in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    [ ! -s "$store" ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
done
export UV_PYTHON_DOWNLOADS=never
exec "$venv/bin/uv" "$@"
