# The example flake builds with this tree in the place of its input, and gives an image that can be described and taken apart.
{
  inputs,
  pkgs,
  system,
  tools,
  ...
}:
let
  example = (import ../../examples/flake/flake.nix).outputs {
    inherit (inputs) nixpkgs;
    letsesign-enclave = inputs.self;
  };
  inherit (example.packages.${system}) canonical default;
in
pkgs.runCommand "check-example" { } ''
  ${tools.canoni}/bin/canoni -o again.tar ${canonical}
  cmp again.tar ${canonical}
  ${tools.eif-cli}/bin/eif describe ${default}/hello.eif | tee $out
  ${tools.eif-cli}/bin/eif describe --json ${default}/hello.eif | cmp - ${default}/hello.json
''
