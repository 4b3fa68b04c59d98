//! The command line.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Parser)]
#[command(
    name = "letsesign",
    version,
    about = "Has documents signed so that nobody but the signers and you can read them",
    after_help = "\
Examples:
  letsesign init --service https://sign.example.com --domain example.com --kms-key-arn ARN \\
    --kms-public-key key.der --signer-page https://sign.example.com/sign/ --ses-username U
  letsesign send contract.pdf --signer \"Ada <ada@example.com>\" \\
    --field ada@example.com:signature@1,72,600 --field ada@example.com:date@1,300,620
  letsesign status
  letsesign wait 3f9a && letsesign get 3f9a -o signed/

Exit codes: 0 done; 1 not done, or not genuine; 2 usage."
)]
pub(crate) struct Cli {
    /// Folder of the sender [default: ~/.config/letsesign]
    #[arg(long, global = true, value_name = "DIR", env = "LETSESIGN_HOME")]
    pub(crate) home: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The command
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a sender: its account with a new secret, and its registration at a service
    Init(Box<InitArgs>),
    /// Complete a registration, once its DNS record is published
    Register,
    /// Seal the account anew for the service, after its file account.json was changed
    Account,
    /// Send a document
    Send(Box<SendArgs>),
    /// List the tasks of this folder, without asking the service
    List,
    /// Show how far tasks are, and verify what the service says about them
    Status {
        /// The task's name, or its first digits [default: all that have not ended]
        task: Option<String>,
    },
    /// Wait until a task ends
    Wait {
        /// The task's name, or its first digits
        task: String,
        /// Give up after so many seconds
        #[arg(long, value_name = "SECONDS")]
        timeout: Option<u64>,
    },
    /// Fetch a signed document, verify it, and write it with its proof
    Get {
        /// The task's name, or its first digits
        task: String,
        /// Folder to write to
        #[arg(short, long, value_name = "DIR", default_value = ".")]
        output: PathBuf,
        /// Replace files that are there
        #[arg(long)]
        force: bool,
    },
    /// Mail the link of a signer once more
    Remind(OfSigner),
    /// Ask a signer anew: links of former mails count no more
    Again(OfSigner),
    /// Withdraw a task: nobody can sign it any more
    Void {
        /// The task's name, or its first digits
        task: String,
        /// Why; the host can read it
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Decide about a job whose fate is unknown: it may have mailed somebody
    #[command(group(clap::ArgGroup::new("decision").required(true)))]
    Decide {
        /// The task's name, or its first digits
        task: String,
        /// The job, as `status` shows it
        job: String,
        /// Work it again: somebody may get a second mail
        #[arg(long, group = "decision")]
        retry: bool,
        /// Give it up
        #[arg(long, group = "decision")]
        fail: bool,
    },
    /// Send one document to many people, each a task of their own
    Bulk(Box<BulkArgs>),
    /// Serve the sender's page on this machine, and print its address
    #[command(after_help = "\
Example:
  letsesign ui            then open the address that it prints; Ctrl-C ends the page

Whoever has the address can act as you: it holds a token, which is another one at each start.")]
    Ui {
        /// Port on 127.0.0.1; 0 takes a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Keep documents with roles and fields, for `send --template`
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Verify a signed document with its proof, by the releases that this sender accepts
    Verify {
        /// The signed PDF
        pdf: PathBuf,
        /// Its proof
        spf: PathBuf,
    },
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The host's address
    #[arg(long, value_name = "URL")]
    pub(crate) service: String,
    /// The domain of the sender's mails
    #[arg(long)]
    pub(crate) domain: String,
    /// An API key that the host's operator has made; without one, DNS proves the domain
    #[arg(long, value_name = "KEY", env = "LETSESIGN_API_KEY")]
    pub(crate) api_key: Option<String>,
    /// ARN of the KMS key; `letsesign-verify policy kms` writes its policy
    #[arg(long, value_name = "ARN")]
    pub(crate) kms_key_arn: String,
    /// Its public half, DER or PEM: `aws kms get-public-key`
    #[arg(long, value_name = "FILE")]
    pub(crate) kms_public_key: PathBuf,
    /// A page that links lead to; may be repeated, and the first one is used
    #[arg(long, value_name = "URL", required = true)]
    pub(crate) signer_page: Vec<String>,
    /// User name of Amazon SES's SMTP interface; its password comes from LETSESIGN_SES_PASSWORD
    #[arg(long, value_name = "NAME", conflicts_with = "sendgrid")]
    pub(crate) ses_username: Option<String>,
    /// Send mails by SendGrid; its key comes from LETSESIGN_SENDGRID_KEY
    #[arg(long)]
    pub(crate) sendgrid: bool,
    /// Check phones by this service of Twilio Verify; key and secret come from
    /// LETSESIGN_TWILIO_SID and LETSESIGN_TWILIO_SECRET
    #[arg(long, value_name = "SID")]
    pub(crate) twilio_service: Option<String>,
    /// Accept the releases of this folder instead of those that are built in
    #[arg(long, value_name = "DIR")]
    pub(crate) measurements: Option<PathBuf>,
    /// FOR TESTS: trust this root certificate instead of AWS's
    #[arg(long, value_name = "FILE")]
    pub(crate) test_root: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// Keep a template, in the place of one with the same name
    #[command(after_help = "\
Example:
  letsesign template add Lease lease.pdf --role Landlord --role Tenant \\
    --field Landlord:signature@1,72,600 --field Tenant:signature@1,300,600
  letsesign send --template Lease --signer \"Ada <ada@example.com>\" --signer bob@example.com")]
    Add {
        /// Its name
        name: String,
        /// The PDF
        pdf: PathBuf,
        /// A role; may be repeated, in the order of signing
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<String>,
        #[arg(
            long = "field",
            value_name = "FIELD",
            required = true,
            help = "Where whoever has a role signs: ROLE:TYPE@PAGE,X,Y[,HEIGHT]; may be repeated"
        )]
        fields: Vec<String>,
        /// Words for the signers
        #[arg(long, default_value = "")]
        message: String,
        /// The signers sign one after the other
        #[arg(long)]
        in_order: bool,
    },
    /// List the templates
    List,
    /// Remove a template
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The PDF
    #[arg(required_unless_present = "template", conflicts_with = "template")]
    pub(crate) pdf: Option<PathBuf>,
    /// Send a template's document: the signers have its roles, in its order
    #[arg(long, value_name = "NAME")]
    pub(crate) template: Option<String>,
    #[arg(
        long = "signer",
        value_name = "NAME <ADDRESS>",
        required = true,
        help = "Who signs: \"Name <address>\"; may be repeated, in the order of signing"
    )]
    pub(crate) signers: Vec<String>,
    #[arg(
        long = "field",
        value_name = "FIELD",
        required_unless_present = "template",
        conflicts_with = "template",
        help = "Where: ADDRESS:TYPE@PAGE,X,Y[,HEIGHT], from the top-left corner of the page as \
                displayed, in points; TYPE is signature, date, name, email or phone; may be \
                repeated"
    )]
    pub(crate) fields: Vec<String>,
    /// Check a phone by a PIN: ADDRESS=+NUMBER; may be repeated
    #[arg(long = "phone", value_name = "ADDRESS=NUMBER")]
    pub(crate) phones: Vec<String>,
    /// Language of a signer: ADDRESS=en-US or ADDRESS=zh-TW; may be repeated
    #[arg(long = "locale", value_name = "ADDRESS=LOCALE")]
    pub(crate) locales: Vec<String>,
    /// Check everything and send nothing
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) terms: Terms,
}

#[derive(Debug, Args)]
pub(crate) struct BulkArgs {
    /// The PDF
    pub(crate) pdf: PathBuf,
    /// CSV with the columns name, email, and optionally phone and locale
    pub(crate) people: PathBuf,
    #[arg(
        long = "field",
        value_name = "FIELD",
        required = true,
        help = "Where each person signs: TYPE@PAGE,X,Y[,HEIGHT]; TYPE is signature, date, name, \
                email or phone; may be repeated"
    )]
    pub(crate) fields: Vec<String>,
    #[command(flatten)]
    pub(crate) terms: Terms,
}

#[derive(Debug, Args)]
pub(crate) struct Terms {
    /// Words for the signers
    #[arg(long, default_value = "")]
    pub(crate) message: String,
    /// The document's name for people [default: the file's]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The signers sign one after the other
    #[arg(long)]
    pub(crate) in_order: bool,
    /// Days for answers
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub(crate) expires: u32,
    /// Remind after so many days, again and again
    #[arg(long, value_name = "DAYS")]
    pub(crate) remind: Option<u32>,
    /// Mail progress to this address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) notify: Option<String>,
    /// Encrypt the PDFs in mails; the password comes from LETSESIGN_PASSWORD
    #[arg(long)]
    pub(crate) password: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OfSigner {
    /// The task's name, or its first digits
    pub(crate) task: String,
    /// The signer's address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) signer: String,
}
