//! Addresses and domains: RFC 5321, section 4.1.2, as far as mail is used today.

/// Longest address in octets (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const ADDRESS_MAX: usize = 254;

/// Longest local part in octets (RFC 5321, section 4.5.3.1.1).
const LOCAL_MAX: usize = 64;
/// Longest domain in octets that fits DNS with its final dot (RFC 1035, section 2.3.4).
const DOMAIN_MAX: usize = 253;
/// Longest label in octets (RFC 1035, section 2.3.4).
const LABEL_MAX: usize = 63;

/// Whether `text` is an address mail can be sent to: `local@domain`, at most [`ADDRESS_MAX`]
/// octets.
///
/// The local part is a dot-string of 1..64 octets (no quoted string, no two dots in a row), the
/// domain as in [`is_domain`]. All of it is ASCII: an internationalised domain is written in
/// punycode (`xn--...`), and addresses that need SMTPUTF8 are refused, because neither provider
/// takes them from everybody.
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    text.len() <= ADDRESS_MAX
        && local.len() <= LOCAL_MAX
        && local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
        && is_domain(domain)
}

/// Whether `text` is a domain of at least two labels: each of 1..63 letters, digits and inner
/// hyphens, the last one of 2..63 letters or punycode.
pub fn is_domain(text: &str) -> bool {
    let Some((_, top)) = text.rsplit_once('.') else {
        return false;
    };
    text.len() <= DOMAIN_MAX && text.split('.').all(is_label) && is_top(top)
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_MAX).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Top-level domains have no digits but in punycode (RFC 3696, section 2), so `1.2.3.4` is none.
fn is_top(label: &str) -> bool {
    let punycode = label
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    label.len() >= 2 && (punycode || label.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// `atext` of RFC 5322, section 3.2.3.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_in_use_are_accepted() {
        for address in [
            "a@b.co",
            "jane.doe+tag@mail.example.com",
            "JANE_DOE@EXAMPLE.COM",
            "x@example.technology",
            "x@example.xn--kpry57d",
            "x@xn--fiq228c.tw",
            "o'brien@example.ie",
            "1@2.de",
            "a-b@c-d.museum",
            &format!("{}@{}.com", "l".repeat(64), "d".repeat(63)),
        ] {
            assert!(is_address(address), "{address}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let long = format!("a@{}com", "abcdefghi.".repeat(26));
        for address in [
            "",
            "@",
            "a",
            "a@",
            "@b.com",
            "a@b",
            "a@localhost",
            "a@b.c",
            "a@b.com\n",
            "a@b.com\r\nRCPT TO:<c@d.com>",
            " a@b.com",
            "a@b.com ",
            "a b@c.com",
            "a\0@b.com",
            "a\t@b.com",
            ".a@b.com",
            "a.@b.com",
            "a..b@c.com",
            "a@b..com",
            "a@.com",
            "a@b.com.",
            "a@-b.com",
            "a@b-.com",
            "a@b_c.com",
            "a@b.c0m",
            "a@1.2.3.4",
            "a@[1.2.3.4]",
            "a@b@c.com",
            "\"a b\"@c.com",
            "<a@b.com>",
            "a@b.com>",
            "a@b.com,c@d.com",
            "a;b@c.com",
            "ä@example.com",
            "a@例子.tw",
            "a@b.xn-",
            &format!("{}@b.com", "l".repeat(65)),
            &format!("a@{}.com", "d".repeat(64)),
            &long,
        ] {
            assert!(!is_address(address), "{address:?}");
        }
    }

    proptest! {
        /// Every address that the reference's expression and the RFC both allow is accepted.
        #[test]
        fn sane_addresses_of_existing_clients_are_accepted(
            address in r"[A-Za-z0-9_+-]{1,20}(\.[A-Za-z0-9_+-]{1,20}){0,2}@([A-Za-z0-9]{1,20}(-[A-Za-z0-9]{1,9})?\.){1,3}[a-z]{2,3}"
        ) {
            prop_assert!(is_address(&address));
        }

        #[test]
        fn accepted_ones_hold_nothing_that_ends_a_command(address in r#"[a-z@.<> "\r\n\\(),:;é]{0,24}"#) {
            if is_address(&address) {
                prop_assert!(!address.contains(['<', '>', ' ', '"', '\r', '\n', '\\', ',', ';', ':', '(', ')']));
                prop_assert!(address.is_ascii());
            }
        }
    }
}
