#!/bin/sh
# Starts the testbed and, with its addresses, the host. For compose.yaml.
set -eu
umask 077
state=/var/lib/letsesign-host
if [ ! -e $state/payload.key ]; then
  head -c 32 /dev/urandom > $state/payload.key.new
  chmod 0400 $state/payload.key.new
  mv $state/payload.key.new $state/payload.key
fi

letsesign-testbed > /tmp/testbed &
tries=0
until grep -q '^export LETSESIGN_NSM_SOCKET=' /tmp/testbed; do
  tries=$((tries + 1))
  if [ $tries -gt 100 ]; then
    echo "the testbed does not start" >&2
    exit 1
  fi
  sleep 0.1
done
grep '^export ' /tmp/testbed > /tmp/variables
. /tmp/variables

# host:port=address:port,... as a table of TOML
overrides=$(printf '%s' "$LETSESIGN_HOST_OVERRIDES" |
  sed 's/\([^=,]*\)=\([^,]*\)/"\1" = "\2"/g')
# The host takes LETSESIGN_HOST_* for keys of its configuration; this one is the server's.
unset LETSESIGN_HOST_OVERRIDES
LETSESIGN_HOST_RELAY__OVERRIDES="{ $overrides }"
LETSESIGN_HOST_ENCLAVE__ATTESTATION_ROOT=$LETSESIGN_ATTESTATION_ROOT
environment='LETSESIGN_FONTS = "/usr/share/letsesign/fonts"'
environment="$environment, LETSESIGN_TLS_EXTRA_ROOTS = \"$LETSESIGN_TLS_EXTRA_ROOTS\""
environment="$environment, LETSESIGN_ATTESTATION_ROOT = \"$LETSESIGN_ATTESTATION_ROOT\""
environment="$environment, LETSESIGN_NSM_SOCKET = \"$LETSESIGN_NSM_SOCKET\""
LETSESIGN_HOST_ENCLAVE__PROGRAM__ENVIRONMENT="{ $environment }"
export LETSESIGN_HOST_RELAY__OVERRIDES LETSESIGN_HOST_ENCLAVE__ATTESTATION_ROOT
export LETSESIGN_HOST_ENCLAVE__PROGRAM__ENVIRONMENT
exec letsesign-host "$@"
