# pcrCheck { eif; expected; name ? ...; }: a check that an image has these measurements.
#
#   eif        an image file, or what buildEif gives
#   expected   a JSON file, or a set, as measurements/next.json or `eif describe --json` have them:
#              { PCR0 = "..."; PCR1 = "..."; PCR2 = "..."; }
{ pkgs, tools, ... }:
{
  eif,
  expected,
  name ? "pcr-check",
}:
let
  expectedFile =
    if builtins.isAttrs expected && !(expected ? outPath) then
      pkgs.writeText "expected.json" (builtins.toJSON expected)
    else
      expected;
in
pkgs.runCommand name { } ''
  image=${eif}
  if [ -d "$image" ]; then
    set -- "$image"/*.eif
    if [ $# != 1 ] || [ ! -f "$1" ]; then
      echo "${name}: expected one .eif file in $image" >&2
      exit 1
    fi
    image=$1
  fi
  ${tools.eif-cli}/bin/eif verify "$image" --expect ${expectedFile} | tee $out
''
