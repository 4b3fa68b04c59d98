# The example flake builds with this tree in the place of its input, and gives images that can be
# described, with the measurements that were computed without building them.
{
  inputs,
  pkgs,
  system,
  tools,
  ...
}:
let
  example = (import ../examples/flake/flake.nix).outputs {
    inherit (inputs) nixpkgs;
    letsesign-enclave = inputs.self;
  };
  inherit (example.packages.${system}) canonical default from-package;
in
pkgs.runCommand "check-example" { measurements = example.checks.${system}.measurements; } ''
  ${tools.canoni}/bin/canoni --epoch 0 -o again.tar ${canonical}
  cmp again.tar ${canonical}
  ${tools.eif-cli}/bin/eif describe ${default}/hello.eif | tee $out
  ${tools.eif-cli}/bin/eif describe --json ${default}/hello.eif | cmp - ${default}/hello.json
  cat $measurements

  image=${from-package}/hello-package.eif
  ${tools.eif-cli}/bin/eif verify $image --expect ${from-package.pcrs}
  if ${tools.eif-cli}/bin/eif verify $image --expect ${default.pcrs}; then
    echo "another image's measurements passed" >&2
    exit 1
  fi
''
