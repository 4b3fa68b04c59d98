# pinnedPackages LIST: the Debian packages of a reproducer's packages.json, in one directory. Their
# addresses are permanent; `cargo xtask prefetch` puts the same files into the store on machines
# that reach package registries only.
{ lib, pkgs, ... }:
list:
let
  inherit (lib.importJSON list) packages;
  fetch =
    package:
    pkgs.fetchurl {
      # The store knows no tilde.
      name = builtins.replaceStrings [ "~" ] [ "-" ] package.file;
      url = "https://snapshot.debian.org/file/${package.sha1}";
      inherit (package) sha256;
    };
  link = package: "ln -s ${fetch package} $out/${lib.escapeShellArg package.file}";
in
pkgs.runCommand "pinned-packages" { } ''
  mkdir $out
  ${lib.concatMapStringsSep "\n" link packages}
''
