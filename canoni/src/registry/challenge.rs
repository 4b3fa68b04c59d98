//! The header `WWW-Authenticate` (RFC 9110, section 11.6.1), as registries send it.

/// The longest header that is read.
const MAX: usize = 8 << 10;

/// How a server wants to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme in lower case: `bearer`, `basic`.
    pub scheme: String,
    /// The parameters, their names in lower case.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut list = self.parameters.iter();
        list.find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Reads all challenges of one header, which may hold several. `None` where it breaks the
    /// grammar, names a parameter twice or has more than 8 KiB.
    pub fn parse_all(header: &str) -> Option<Vec<Self>> {
        if header.len() > MAX {
            return None;
        }
        let mut reader = Reader(header);
        let mut found: Vec<Self> = Vec::new();
        loop {
            while reader.take(',') || reader.blank() {}
            if reader.0.is_empty() {
                return Some(found);
            }
            let word = reader.token()?.to_ascii_lowercase();
            let blank = reader.blank();
            // A word and an equals sign are a parameter, a word alone is a scheme.
            if reader.take('=') {
                reader.blank();
                let value = reader.value()?;
                let current = found.last_mut()?;
                if current.get(&word).is_some() {
                    return None;
                }
                current.parameters.push((word, value));
                reader.blank();
                if !(reader.0.is_empty() || reader.0.starts_with(',')) {
                    return None;
                }
            } else if blank || reader.0.is_empty() || reader.0.starts_with(',') {
                found.push(Self {
                    scheme: word,
                    parameters: Vec::new(),
                });
            } else {
                return None;
            }
        }
    }
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn take(&mut self, wanted: char) -> bool {
        let rest = self.0.strip_prefix(wanted);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn blank(&mut self) -> bool {
        let rest = self.0.trim_start_matches([' ', '\t']);
        let some = rest.len() < self.0.len();
        self.0 = rest;
        some
    }

    fn token(&mut self) -> Option<String> {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.0.find(|c| !is_token(c)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    fn value(&mut self) -> Option<String> {
        if !self.take('"') {
            return self.token();
        }
        let mut value = String::new();
        let mut characters = self.0.chars();
        loop {
            let character = match characters.next()? {
                '"' => break,
                '\\' => characters.next()?,
                other => other,
            };
            if character.is_control() {
                return None;
            }
            value.push(character);
        }
        self.0 = characters.as_str();
        Some(value)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_registries_send() {
        let header = r#"Bearer realm="https://auth.example/token",service="a, \"b\"",scope=x"#;
        let found = Challenge::parse_all(header).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].scheme, "bearer");
        assert_eq!(found[0].get("realm"), Some("https://auth.example/token"));
        assert_eq!(found[0].get("service"), Some("a, \"b\""));
        let found = Challenge::parse_all("Negotiate, Basic realm=\"r\", Bearer realm=x").unwrap();
        let schemes: Vec<_> = found.iter().map(|one| &*one.scheme).collect();
        assert_eq!(schemes, ["negotiate", "basic", "bearer"]);
        assert_eq!(found[2].get("realm"), Some("x"));
    }

    #[test]
    fn what_breaks_the_grammar() {
        let long = "a".repeat(MAX + 1);
        for text in [
            "realm=x",
            "Bearer realm=\"x",
            "Bearer realm=x realm",
            "Bearer realm=a, realm=b",
            "Bearer realm=\"a\u{7}\"",
            "Bearer realm=",
            "=",
            "Bearer(x)",
            &long,
        ] {
            assert_eq!(Challenge::parse_all(text), None, "{text}");
        }
        assert_eq!(Challenge::parse_all(" , "), Some(Vec::new()));
    }

    proptest! {
        /// A challenge that follows the grammar is read back as it was meant.
        #[test]
        fn written_is_read(values in prop::collection::btree_map("[a-z]{1,6}", "[ -~]{0,20}", 0..5)) {
            let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
            let list: Vec<_> =
                values.iter().map(|(key, value)| format!("{key}=\"{}\"", quoted(value))).collect();
            let found = Challenge::parse_all(&format!("Bearer {}", list.join(","))).unwrap();
            prop_assert_eq!(&found[0].parameters, &values.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = Challenge::parse_all(&text);
        }
    }
}
