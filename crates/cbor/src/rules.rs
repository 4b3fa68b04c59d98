//! Deviations from the deterministic encoding.

/// The rules of a reader. Every method permits one deviation more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a deviation that a format has or has not"
)]
pub struct Rules {
    pub(crate) long_heads: bool,
    pub(crate) long_floats: bool,
    pub(crate) indefinite_lists: bool,
    pub(crate) any_order: bool,
    pub(crate) depth_max: usize,
}

impl Rules {
    /// RFC 8949, section 4.2.1, without exception. At most 8 levels of nesting in an item that is
    /// skipped.
    pub const DETERMINISTIC: Self = Self {
        long_heads: false,
        long_floats: false,
        indefinite_lists: false,
        any_order: false,
        depth_max: 8,
    };

    /// Permits heads that are longer than necessary. Simple values below 32 in two bytes stay
    /// forbidden: they are not well formed (section 3.3).
    #[must_use]
    pub const fn long_heads(mut self) -> Self {
        self.long_heads = true;
        self
    }

    /// Permits floating-point numbers that are wider than necessary, and every NaN.
    #[must_use]
    pub const fn long_floats(mut self) -> Self {
        self.long_floats = true;
        self
    }

    /// Permits arrays and maps of indefinite length. Strings in chunks stay forbidden: a borrowing
    /// reader cannot return them.
    #[must_use]
    pub const fn indefinite_lists(mut self) -> Self {
        self.indefinite_lists = true;
        self
    }

    /// Permits maps with keys in any order. The reader then no longer finds keys that are there
    /// twice; the caller has to.
    #[must_use]
    pub const fn any_order(mut self) -> Self {
        self.any_order = true;
        self
    }

    /// Sets the levels of nesting in an item that is skipped; 0 permits no list or tag with
    /// content. The reader uses stack for each.
    #[must_use]
    pub const fn depth_max(mut self, levels: usize) -> Self {
        self.depth_max = levels;
        self
    }
}
