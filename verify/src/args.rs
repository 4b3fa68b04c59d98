//! Arguments of the command line. Their doc comments are the help texts.

use crate::releases::ReleaseArgs;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Verifies signatures and enclaves offline and detects forged ones
#[derive(Debug, Parser)]
#[command(
    name = "letsesign-verify",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  letsesign-verify proof contract.pdf contract.spf
  letsesign-verify proof contract.zip
  letsesign-verify report contract.zip --pdf certificate.pdf
  letsesign-verify image letsesign-enclave.eif
  letsesign-verify measurements
  letsesign-verify policy check key-policy.json

Exit codes: 0 genuine; 1 not genuine; 2 usage, or something cannot be read; 3 genuine, but of a release that was revoked or at
its end; 4 inspected only, compared with nothing."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Verify a signed document: the PDF with its proof file, or the zip that holds both
    #[command(after_help = PROOF_HELP)]
    Proof(ProofArgs),
    /// Verify a signed document, and write a certificate of it as a PDF
    #[command(after_help = REPORT_HELP)]
    Report(ReportArgs),
    /// Verify an attestation document of an enclave
    #[command(after_help = DOCUMENT_HELP)]
    Document(DocumentArgs),
    /// Recompute an enclave image's measurements and compare them with the releases
    #[command(after_help = "\
Examples:
  letsesign-verify image letsesign-enclave.eif
  letsesign-verify image letsesign-enclave.eif --measurements measurements/

Exit codes: 0 a current release; 1 no release; 2 cannot be read; 3 a release that was revoked or at its end.")]
    Image(ImageArgs),
    /// List the releases, their status and whether they are signed
    #[command(after_help = "\
Examples:
  letsesign-verify measurements
  letsesign-verify measurements --json --measurements measurements/

Exit codes: 0 consistent; 1 an invalid signature; 2 cannot be read, or not consistent.")]
    Measurements(MeasurementsArgs),
    /// Write the page that verifies signed documents in a browser: one file, no server, no
    /// connection
    #[command(after_help = "\
Examples:
  letsesign-verify page -o verify.html
  letsesign-verify page --with-viewer -o verify.html
  letsesign-verify page --measurements measurements/ > verify.html

Exit codes: 0 written; 2 not.")]
    Page(PageArgs),
    /// Write or check the policy of a sender's AWS KMS key
    Policy(PolicyArgs),
    /// Print completions for a shell
    #[command(after_help = "\
Examples:
  letsesign-verify completions bash > /etc/bash_completion.d/letsesign-verify")]
    Completions {
        /// Shell to print for
        shell: clap_complete::Shell,
    },
}

const PROOF_HELP: &str = "\
Examples:
  letsesign-verify proof contract.pdf contract.spf
  letsesign-verify proof contract.zip --password-file password.txt
  letsesign-verify proof contract.pdf contract.spf --binding-data-hash 5c3f... --json
  letsesign-verify proof contract.zip --payload payload.json --sender-domain example.com

Exit codes: 0 genuine; 1 not genuine; 2 usage, or something cannot be read; 3 genuine, but of a release that was revoked, or at its
end when it signed.";

#[derive(Debug, Args)]
pub(crate) struct ProofArgs {
    /// The signed PDF, or the zip
    pub(crate) document: PathBuf,
    /// The proof file (.spf); omit it for a zip
    pub(crate) proof: Option<PathBuf>,
    /// The hash that binds the sender's task: 64 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    pub(crate) binding_data_hash: Option<String>,
    /// File with the task payload as the sender sent it (JSON): the signature must be for this one
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: Option<PathBuf>,
    /// Domain that the sender's mails come from; the case of ASCII letters is ignored
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) sender_domain: Option<String>,
    /// Read the zip's password from the first line of this file; without it, the program asks for
    /// the password of an encrypted zip
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Refuse a release or a list of revocations without a maintainer's signature
    #[arg(long)]
    pub(crate) require_signed: bool,
    #[command(flatten)]
    pub(crate) root: RootArgs,
    #[command(flatten)]
    pub(crate) releases: ReleaseArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const REPORT_HELP: &str = "\
Examples:
  letsesign-verify report contract.pdf contract.spf --pdf certificate.pdf
  letsesign-verify report contract.zip --pdf certificate.pdf --language zh-TW --font ukai.ttc

Only a genuine document gets a certificate. Exit codes are those of proof.";

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
    /// File for the certificate
    #[arg(long, value_name = "FILE")]
    pub(crate) pdf: PathBuf,
    /// Font for text in other scripts than the Latin one, such as
    /// enclave/packages/fonts/ukai.ttc
    #[arg(long, value_name = "FILE")]
    pub(crate) font: Option<PathBuf>,
    /// Language of the certificate
    #[arg(long, value_name = "TAG", default_value = "en-US")]
    pub(crate) language: String,
}

#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show the document beside the verdict: the page then contains pdf.js and has 1.8 MB instead
    /// of 0.1
    #[arg(long)]
    pub(crate) with_viewer: bool,
    /// Write the page only if a maintainer has signed every release and the list of revocations
    #[arg(long)]
    pub(crate) require_signed: bool,
    #[command(flatten)]
    pub(crate) root: RootArgs,
    #[command(flatten)]
    pub(crate) releases: ReleaseArgs,
}

const DOCUMENT_HELP: &str = "\
Examples:
  letsesign-verify document attestation.cbor --nonce 8f5e... --max-age 300
  letsesign-verify document attestation.b64 --at-signing-time --expect 1909
  letsesign-verify document attestation.cbor --at-signing-time --expect measurements/next.json
  letsesign-verify document attestation.hex --at-signing-time --any-measurement

Exit codes: 0 genuine; 1 not genuine; 2 usage, or something cannot be read; 3 of a release that was revoked or at its end; 4 genuine, but
compared with no measurement (--any-measurement).";

#[derive(Debug, Args)]
pub(crate) struct DocumentArgs {
    /// The document: the NSM's bytes, or their hexadecimal digits or base64; `-` for standard input
    pub(crate) file: PathBuf,
    /// Compare with this release (its name) or this file (NAME.json) instead of all releases; may
    /// be repeated
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) expect: Vec<String>,
    /// Inspect only: do not compare the measurements
    #[arg(long, conflicts_with = "expect")]
    pub(crate) any_measurement: bool,
    /// Verify as of the document's own time instead of now: for records, not for a running enclave
    #[arg(long, conflicts_with_all = ["max_age", "nonce"])]
    pub(crate) at_signing_time: bool,
    /// The nonce of the request, 32 to 1024 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    pub(crate) nonce: Option<String>,
    /// Greatest age of the document, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) max_age: u64,
    #[command(flatten)]
    pub(crate) root: RootArgs,
    #[command(flatten)]
    pub(crate) releases: ReleaseArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RootArgs {
    /// FOR TESTS: trust this root certificate (PEM or DER) instead of AWS's. Such a result proves
    /// nothing about a real enclave
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ImageArgs {
    /// The image (EIF)
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) releases: ReleaseArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MeasurementsArgs {
    #[command(flatten)]
    pub(crate) releases: ReleaseArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print a key policy that lets only the given releases use the key
    #[command(after_help = "\
Examples:
  letsesign-verify policy kms --account 123456789012 --sender role/sender --enclave user/enclave \\
    --release 2611 > key-policy.json
  letsesign-verify policy kms --account 123456789012 --sender role/sender --enclave user/enclave \\
    --release 2611 --release 2702 --put-key-policy role/security-board")]
    Kms(KmsArgs),
    /// Look for ways around the attestation in an existing key policy
    #[command(after_help = "\
Examples:
  letsesign-verify policy check key-policy.json
  aws kms get-key-policy --key-id KEY --output text | letsesign-verify policy check -

Exit codes: 0 no hole; 1 holes; 2 cannot be read.")]
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct KmsArgs {
    /// AWS account of the key: 12 digits
    #[arg(long)]
    pub(crate) account: String,
    /// Principal that encrypts tasks and never decrypts: an IAM ARN, or role/NAME or user/NAME of
    /// the account
    #[arg(long, value_name = "PRINCIPAL")]
    pub(crate) sender: String,
    /// Principal that may ask KMS to decrypt through an enclave. The host gets its secret, so it
    /// must have no other right
    #[arg(long, value_name = "PRINCIPAL")]
    pub(crate) enclave: String,
    /// Principal that may decrypt WITHOUT attestation, for the sender's own clients that show names
    /// (see the notes)
    #[arg(long, value_name = "PRINCIPAL")]
    pub(crate) reader: Option<String>,
    /// Release that may decrypt; may be repeated
    #[arg(long, required = true, value_name = "NAME")]
    pub(crate) release: Vec<String>,
    /// Region of the key; determines the partition of the ARNs
    #[arg(long, default_value = "us-east-1")]
    pub(crate) region: String,
    /// Allow this principal to replace the policy, which also lets it take the key (see the notes)
    #[arg(long, value_name = "PRINCIPAL")]
    pub(crate) put_key_policy: Option<String>,
    /// Accept a release that is revoked or past its end of life
    #[arg(long)]
    pub(crate) accept_ended: bool,
    #[command(flatten)]
    pub(crate) releases: ReleaseArgs,
    /// Print the policy and the notes as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The policy, or `-` for standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) releases: ReleaseArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
