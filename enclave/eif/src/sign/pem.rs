//! PEM text with certificates, read so that no other reader can take another one for the first.
//!
//! PCR8 measures the first certificate of the text, and AWS's tools find it with OpenSSL
//! (`PEM_read_bio_X509`). OpenSSL takes the label `X509 CERTIFICATE` as well, knows a block only at
//! the start of what it holds for a line (pieces of 254 bytes), skips other blocks by rules of its
//! own, and ends a line at a NUL. So text that either reader could take for the beginning or the
//! end of a block is refused, except in certificates that both see. Blocks of other kinds are
//! refused too: the text goes into the image as it is, and a private key would go with it.

use letsesign_escape::line as shown;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The certificates of a text, each from its BEGIN to its END line. The error is one sentence.
pub(super) fn certificates(text: &str) -> Result<Vec<&str>, String> {
    if let Some(odd) = text
        .chars()
        .find(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
    {
        let odd = shown(&odd.to_string());
        return Err(format!(
            "holds the control character {odd}, which no PEM text has"
        ));
    }
    let mut found = Vec::new();
    let mut begun = None;
    let mut offset = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end();
        match (line, begun) {
            (BEGIN, None) => begun = Some(offset),
            (END, Some(start)) => {
                found.extend(text.get(start..offset + END.len()));
                begun = None;
            }
            _ if mentions_block(line) => {
                return Err(format!(
                    "holds {:?}, which other readers could take for the beginning or end of a \
                     block; only blocks of \"BEGIN CERTIFICATE\" may be in it",
                    shown(line)
                ));
            }
            _ => {}
        }
        offset += whole.len();
    }
    if begun.is_some() {
        return Err("has a BEGIN CERTIFICATE without its END".to_owned());
    }
    Ok(found)
}

/// Whether a line has dashes as a line of a block has, or a part of one.
fn mentions_block(line: &str) -> bool {
    let upper = line.to_ascii_uppercase();
    line.contains("-----") || upper.contains("-BEGIN ") || upper.contains("-END ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    #[test]
    fn certificates_with_text_around_them_are_found() {
        let text = format!(
            "issuer: Zoë\r\n{ONE}-- and the next -\n{}",
            ONE.replace('\n', "\r\n")
        );
        let found = certificates(&text).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], ONE.trim_end());
        assert!(certificates("no block").unwrap().is_empty());
    }

    /// Each puts a certificate of the attacker's where another reader looks first.
    #[test]
    fn a_certificate_that_only_another_reader_sees_is_refused() {
        for label in [
            "X509 CERTIFICATE",
            "TRUSTED CERTIFICATE",
            "PKCS7",
            "x509 certificate",
        ] {
            let hidden = ONE.replace("CERTIFICATE", label);
            for text in [format!("{hidden}{ONE}"), format!("{ONE}{hidden}")] {
                assert!(
                    certificates(&text).unwrap_err().contains("other readers"),
                    "{text}"
                );
            }
        }
        let long = "x".repeat(254);
        for text in [
            format!("{long}{ONE}{ONE}"),
            format!(" {ONE}{ONE}"),
            format!("\u{feff}{ONE}{ONE}"),
            format!("\r{ONE}{ONE}"),
            format!("text {ONE}"),
            ONE.replace("-----\nAAAA", "----- x\nAAAA"),
            format!("-----BEGIN CERTIFICATE-----\n{ONE}"),
            format!("{ONE}-----END CERTIFICATE-----\n"),
            format!("----BEGIN CERTIFICATE----\n{ONE}"),
            format!("-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\n{ONE}"),
        ] {
            assert!(certificates(&text).is_err(), "{text:?}");
        }
        for control in ['\0', '\u{b}', '\u{c}', '\u{85}', '\u{1b}'] {
            let text = format!("x{control}{ONE}");
            assert!(
                certificates(&text).unwrap_err().contains("control"),
                "{text:?}"
            );
        }
        assert!(certificates("-----BEGIN CERTIFICATE-----\nAAAA\n").is_err());
    }
}
