{
  description = "An enclave image of one's own program, with the kernel, init and tools of letsesign-enclave";

  inputs = {
    # In a repository of its own: the address of letsesign-enclave's repository, with a release's tag.
    letsesign-enclave.url = "path:../..";
    nixpkgs.follows = "letsesign-enclave/nixpkgs";
  };

  outputs =
    { letsesign-enclave, nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      inherit (letsesign-enclave.lib.${system}) buildEif canonicalImage;

      # Any docker-archive or OCI layout will do: of `docker save`, `skopeo copy`, nixpkgs' dockerTools, or made by hand as here.
      image = import ./image.nix pkgs;
    in
    {
      packages.${system} = rec {
        # The same image with everything taken out that differs from build to build: bytes to publish and to compare.
        canonical = canonicalImage { inherit image; };
        # hello.eif, and hello.json with its measurements: what goes into a key policy.
        default = buildEif {
          image = canonical;
          name = "hello";
          version = "1.0.0";
        };
      };
    };
}
