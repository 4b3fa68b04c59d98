# What `xtask eif` reads of the tree to put the image and its bill of materials together.
[
  "Cargo.lock"
  "enclave/base"
  "enclave/configs"
  "enclave/packages"
  "enclave/sbom"
]
