# canonicalImage { image; name ? ...; flatten ? true; }: a docker-archive or OCI layout made canonical (form v1).
{ pkgs, tools, lib, ... }:
{
  image,
  name ? "image-canonical.tar",
  flatten ? true,
}:
pkgs.runCommand name { } ''
  ${tools.canoni}/bin/canoni ${lib.optionalString flatten "--flatten"} -o $out ${image}
''
