//! Arguments of the command line. xtask includes this file to show the help without building the
//! demo, so it depends on clap alone.

use std::path::PathBuf;

/// Examples for `--help`.
pub const EXAMPLES: &str = "\
Examples:
  cargo xtask demo                          two people sign a contract
  cargo xtask demo --pdf lease.pdf          your own document
  cargo xtask demo --signers 3 --enhanced-privacy --provider sg
  cargo xtask demo --json | jq .verdict

Nothing leaves this machine: mails, SMS and AWS are emulated on loopback (docs/demo.md says what is real).";

/// The mail service in the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum MailProvider {
    /// Amazon SES, by SMTP
    Ses,
    /// SendGrid
    Sg,
}

/// Arguments of the demo.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch")]
pub struct DemoArgs {
    /// Sign this PDF instead of the demo's contract; signatures go to the foot of its last page
    #[arg(long, value_name = "FILE")]
    pub pdf: Option<PathBuf>,
    /// Number of people who sign
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=6))]
    pub signers: u8,
    /// Check the last signer's phone by SMS; --phone=false skips that
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub phone: bool,
    /// Encrypt mailed files with the task's password
    #[arg(long)]
    pub enhanced_privacy: bool,
    /// Language of all mails, en-US or zh-TW [default: one of each]
    #[arg(long, value_name = "LOCALE", value_parser = ["en-US", "zh-TW"])]
    pub locale: Option<String>,
    /// Service that delivers the mails
    #[arg(long, value_enum, default_value = "ses")]
    pub provider: MailProvider,
    /// Folder to write; replaces the folder of an earlier demo [default: demo in the target
    /// directory]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Print the outcome as JSON: verdicts, codes, times, files
    #[arg(long)]
    pub json: bool,
    /// Open the page in the browser when done
    #[arg(long)]
    pub open: bool,
}
