//! Links of mails, as they work on this machine.
//!
//! A signer's page has an `https` address with a domain (docs/protocol-2.md, "The account"). Here
//! nothing answers at that address, so the mailbox shows each mail with the address of the host's
//! page on loopback in its place. The enclave has written and mailed the real one.

/// The signer's page that tasks name.
pub const SIGNER_PAGE: &str = "https://sign.example.com/sign/";

/// Replaces the address of the signer's page by `local`, which ends with a slash.
pub fn to_local(text: &str, local: &str) -> String {
    text.replace(SIGNER_PAGE, local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_local_page_and_other_text_stays() {
        let mail = "<a href=\"https://sign.example.com/sign/#letsesign2=eyJ9\">Sign</a> \
                    https://sign.example.com/other";
        assert_eq!(
            to_local(mail, "http://127.0.0.1:81/sign/"),
            "<a href=\"http://127.0.0.1:81/sign/#letsesign2=eyJ9\">Sign</a> \
             https://sign.example.com/other"
        );
    }
}
