{
  description = "An enclave image of one's own program, with kernel and init of letsesign-enclave";

  inputs = {
    # Better: a release's tag. Inside a checkout of letsesign-enclave, as its checks do it:
    #   nix build ./nix/examples/flake --override-input letsesign-enclave .
    letsesign-enclave.url = "github:letsesign/letsesign-enclave";
    nixpkgs.follows = "letsesign-enclave/nixpkgs";
  };

  outputs =
    { letsesign-enclave, nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      inherit (letsesign-enclave.lib.${system}) buildEif canonicalImage pcrCheck;

      # Any docker-archive or OCI layout will do: of `docker save`, `skopeo copy`, nixpkgs'
      # dockerTools, or made by hand as here.
      image = import ./image.nix pkgs;
    in
    rec {
      packages.${system} = rec {
        # The same image with everything taken out that differs from build to build: bytes to
        # publish and to compare.
        canonical = canonicalImage { inherit image; };

        # hello.eif, and hello.json with its measurements: what goes into a key policy.
        default = buildEif {
          image = canonical;
          name = "hello";
          version = "1.0.0";
        };

        # Without a container image: a package, with what it needs in /nix/store.
        from-package = buildEif {
          copyToRoot = import ./hello.nix pkgs;
          name = "hello-package";
          entrypoint = [
            "/bin/hello"
            "from a package, with \"quotes\" and $signs"
          ];
          env.GREETING = "Hello, it's me";
          user = "65532:65532";
        };
      };

      # Whoever publishes measurements writes them down, and this fails when the image has others.
      checks.${system}.measurements = pcrCheck {
        eif = packages.${system}.default;
        expected = packages.${system}.default.pcrs;
      };
    };
}
