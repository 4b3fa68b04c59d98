//! Languages.

/// A language mails are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Locale {
    /// American English.
    EnUs,
    /// Chinese as written in Taiwan.
    ZhTw,
}

impl Locale {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::EnUs, Self::ZhTw];

    /// The language for a task's `locale`: `zh-TW` in any case, or `zh_TW`; anything else is
    /// English.
    pub fn of(name: &str) -> Self {
        if name.eq_ignore_ascii_case("zh-TW") || name.eq_ignore_ascii_case("zh_TW") {
            Self::ZhTw
        } else {
            Self::EnUs
        }
    }

    /// The tag (BCP 47) for `lang` attributes.
    pub fn tag(self) -> &'static str {
        match self {
            Self::EnUs => "en-US",
            Self::ZhTw => "zh-TW",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_languages_are_english() {
        assert_eq!(Locale::of("zh-TW"), Locale::ZhTw);
        assert_eq!(Locale::of("zh_tw"), Locale::ZhTw);
        for name in ["", "en-US", "zh-CN", "fr", "zh-TW\n"] {
            assert_eq!(Locale::of(name), Locale::EnUs, "{name:?}");
        }
        for locale in Locale::ALL {
            assert_eq!(Locale::of(locale.tag()), locale);
        }
    }
}
