# The builder of the double's derivations: what nixpkgs' stdenv does, as far as this flake needs it.
set -eu
set -o pipefail
export PATH=
for input in ${nativeBuildInputs:-}; do
  if [ -d "$input/bin" ]; then PATH=$PATH$input/bin:; fi
done
export PATH=$PATH$hostPath
# As nixpkgs' stdenv does: 1980-01-01, the earliest time of a zip archive.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-315532800}
export HOME=/homeless-shelter TMPDIR=$NIX_BUILD_TOP
cd "$NIX_BUILD_TOP"

if [ -n "${buildCommand:-}" ]; then
  eval "$buildCommand"
  exit 0
fi

# runPhase NAME DEFAULT: the phase's own text, or the default.
runPhase() {
  local text
  text=$(eval "printf '%s' \"\${$1:-}\"")
  eval "${text:-$2}"
}

if [ -n "${src:-}" ]; then
  cp -r "$src" source
  chmod -R u+w source
  cd source
fi
runPhase postPatch :
runPhase preConfigure :
runPhase configurePhase :
runPhase preBuild :
runPhase buildPhase :
runPhase installPhase 'mkdir -p "$out"'
runPhase postInstall :
