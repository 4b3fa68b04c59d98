# Crates, licences and sources are accepted ones (deny.toml). Advisories need the network and are no
# part of a build.
{ craneLib, workspace, ... }: craneLib.cargoDeny (workspace // { cargoExtraArgs = "--locked"; })
