//! gzip (RFC 1952), which may have several members.

use super::counted::Counted;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// All members of a gzip file.
pub(super) struct GzipReader<R> {
    /// `None` behind the last member.
    member: Option<GzDecoder<Counted<R>>>,
    /// Where the member begins.
    start: u64,
    /// Whether something of the member was read, be it its end.
    begun: bool,
}

impl<R: BufRead> GzipReader<R> {
    pub(super) fn new(source: Counted<R>) -> Self {
        Self {
            start: source.at(),
            member: Some(GzDecoder::new(source)),
            begun: false,
        }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            match member.read(buffer) {
                Ok(0) => {}
                Err(error) if self.start > 0 && !self.begun => {
                    let reason = format!(
                        "from offset {} on there are bytes that are not a gzip member ({error}): \
                         gzip ignores them, umoci refuses them; compress it again",
                        self.start
                    );
                    return Err(io::Error::new(error.kind(), reason));
                }
                other => {
                    self.begun = true;
                    return other;
                }
            }
            let mut source = match self.member.take() {
                Some(member) => member.into_inner(),
                None => return Ok(0),
            };
            if !source.fill_buf()?.is_empty() {
                *self = Self::new(source);
            }
        }
        Ok(0)
    }
}
