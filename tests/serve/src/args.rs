//! Arguments of the command line. xtask includes this file to show the help without building the
//! program, so it depends on clap alone.

/// Examples for `--help`.
pub const EXAMPLES: &str = "\
Examples:
  cargo xtask serve                  then open the address that it prints
  cargo xtask serve --port 9000 --open

Nothing leaves this machine: mails, SMS and AWS are emulated on loopback. Ctrl-C ends everything and
leaves nothing.";

/// Arguments of `cargo xtask serve`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    /// Port of the start page on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// Open the start page in the browser
    #[arg(long)]
    pub open: bool,
    /// Print one line of JSON with all addresses once the service is ready
    #[arg(long)]
    pub json: bool,
}
