//! A task in clear.

use super::config::{Binding, EmailConfig, TaskConfig, TwilioConfig};
use zeroize::Zeroizing;

/// A task in clear.
pub(crate) struct Opened {
    pub(crate) binding: Binding,
    pub(crate) config: TaskConfig,
    pub(super) template: Document,
    pub(crate) email: EmailConfig,
    pub(crate) twilio: Option<TwilioConfig>,
}

/// A PDF in clear.
pub(crate) type Document = Zeroizing<Vec<u8>>;

impl Opened {
    /// The PDF, which is then no longer here: it is large, and only wanted once.
    pub(crate) fn take_template(&mut self) -> Document {
        std::mem::take(&mut self.template)
    }
}
