//! `eif sign`.

use super::args::SignArgs;
use super::progress::Bar;
use super::{build, describe, print};
use anyhow::{Context, Result, bail};
use eif::{Algorithm, Certificate, Image, PcrSignature, SigningKey, to_be_signed};
use std::path::Path;
use std::process::ExitCode;

/// Bytes. A signature file is never larger.
const MAX_SIGNATURE_FILE: u64 = 4096;

pub(super) fn run(args: &SignArgs) -> Result<ExitCode> {
    let image = describe::open(&args.file, "reading")?;
    if let Some(export) = &args.export {
        // Without the certificate the algorithm is the usual one: P-384.
        let algorithm = match &args.cert {
            Some(cert) => Certificate::read(cert)?.algorithm(),
            None => Algorithm::Es384,
        };
        return export_to(export, &image, algorithm);
    }
    let (Some(cert), Some(output)) = (&args.cert, &args.output) else {
        bail!("--key and --attach need --cert and --output");
    };
    let certificate = Certificate::read(cert)?;
    if certificate.chain_length() > 1 {
        eprintln!(
            "note: {} holds {} certificates; the first one is the signer's, PCR8 measures it alone",
            letsesign_escape::line(&cert.display().to_string()),
            certificate.chain_length()
        );
    }
    let pcr0 = image.pcrs.pcr0;
    let signature = match (&args.key, &args.attach) {
        (Some(key), _) => PcrSignature::sign(&pcr0, &SigningKey::read(key)?, certificate)?,
        (None, Some(path)) => {
            let size = std::fs::metadata(path)
                .with_context(|| format!("cannot open {}", path.display()))?
                .len();
            if size > MAX_SIGNATURE_FILE {
                bail!("{} has {size} bytes and is not a signature", path.display());
            }
            let bytes =
                std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            PcrSignature::attach(&pcr0, &bytes, certificate)?
        }
        (None, None) => bail!("give --key, --export or --attach"),
    };
    let length = std::fs::metadata(&args.file).map_or(0, |metadata| metadata.len());
    // Read twice: once to check, once to copy.
    let built = eif::attach(
        &args.file,
        &signature,
        output,
        Bar::new("signing", length * 2),
    )
    .map_err(|error| describe::named(&args.file, error))?;
    build::report(&built, Some(output), None, args.json)
}

fn export_to(path: &Path, image: &Image, algorithm: Algorithm) -> Result<ExitCode> {
    let bytes = to_be_signed(&image.pcrs.pcr0, algorithm);
    if path.as_os_str() == "-" {
        return super::print_raw(bytes);
    }
    eif::write_file(path, &bytes)?;
    print(format!(
        "{}: {} bytes to be signed with ECDSA, {} and {}\nPCR0 {}\n",
        path.display(),
        bytes.len(),
        algorithm.curve(),
        algorithm.digest(),
        image.pcrs.pcr0
    ))
}
