# canonicalImage { image; name ? ...; flatten ? true; epoch ? 0; }: a docker-archive or OCI layout
# made canonical (form v1). `epoch` is the time of image and files, in seconds since 1970: the
# environment's SOURCE_DATE_EPOCH, which nixpkgs' stdenv sets, has no say.
{ pkgs, tools, lib, ... }:
{
  image,
  name ? "image-canonical.tar",
  flatten ? true,
  epoch ? 0,
}:
pkgs.runCommand name { } ''
  ${tools.canoni}/bin/canoni ${lib.optionalString flatten "--flatten"} --epoch ${toString epoch} \
    -o $out ${image}
''
