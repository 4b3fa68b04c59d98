# Crates, licences and sources are accepted ones (deny.toml). Advisories need the network, which a
# build does not have.
{ craneLib, workspace, ... }: craneLib.cargoDeny (workspace // { cargoExtraArgs = "--locked"; })
