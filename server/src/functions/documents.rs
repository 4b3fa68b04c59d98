//! Rules for the PDFs of a job.

use crate::failure::Failure;
use letsesign_job_protocol::Code;

/// Bytes that a document may unpack to while it is stamped. They fit into a job's share of memory
/// (`job-memory-bytes` in limits.toml).
const UNPACKED: usize = 64 << 20;

/// Refuses a PDF that this service has signed: it is not signed again.
pub(super) fn refuse_signed(pdf: &[u8]) -> Result<(), Failure> {
    if letsesign_stamp::is_signed(pdf) {
        return Err(Failure::new(
            Code::AlreadySigned,
            "the PDF is a signed one already",
        ));
    }
    Ok(())
}

/// The limits of stamping one document.
pub(super) fn limits(stopped: &dyn Fn() -> bool) -> letsesign_stamp::Limits<'_> {
    letsesign_stamp::Limits {
        unpacked: UNPACKED,
        stop: Some(stopped),
        ..letsesign_stamp::Limits::default()
    }
}
