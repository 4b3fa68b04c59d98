//! The measured files, and mistakes in them.

use super::*;
use std::time::Duration;

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../enclave/configs");

fn with(name: &str, from: &str, to: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    for file in ["amazon.pem", "public.pem"] {
        std::fs::copy(Path::new(FILES).join(file), folder.path().join(file)).unwrap();
    }
    for file in ["egress.toml", "limits.toml", "compatible.toml"] {
        let mut text = std::fs::read_to_string(Path::new(FILES).join(file)).unwrap();
        if file == name {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    load(folder.path()).map_or_else(|error| format!("{error:#}"), |_| String::new())
}

#[test]
fn the_measured_files_are_accepted_and_say_what_the_protocol_says() {
    let Config {
        egress,
        limits,
        compatible,
        ..
    } = load(Path::new(FILES)).unwrap();
    assert!(compatible.release.is_empty());
    assert_eq!(limits.por_validity(), 180 * 86_400_000);
    assert_eq!((egress.cid, egress.job_api), (3, 9001));
    let ports: Vec<_> = egress
        .tls
        .iter()
        .map(|s| (s.host.as_str(), s.port, s.vsock_port))
        .collect();
    assert_eq!(
        ports,
        [
            ("email-smtp.us-east-1.amazonaws.com", 587, 9002),
            ("kms.us-east-1.amazonaws.com", 443, 9003),
            ("verify.twilio.com", 443, 9004),
            ("api.sendgrid.com", 443, 9005)
        ]
    );
    assert_eq!(limits.job_bytes, 50 << 20);
    assert_eq!(limits.poll(), Duration::from_millis(100));
    assert_eq!(limits.poll_most(), Duration::from_secs(1));
}

/// The certificates of a PEM file, as text.
fn certificates(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(FILES).join(name)).unwrap();
    text.split("-----BEGIN CERTIFICATE-----")
        .skip(1)
        .map(|part| part.split("-----END").next().unwrap().to_owned())
        .collect()
}

#[test]
fn anchors_are_usable_and_amazons_are_among_the_public_ones() {
    let clock = std::sync::Arc::new(crate::clock::Clock::new(0));
    for name in ["amazon.pem", "public.pem"] {
        let pem = std::fs::read(Path::new(FILES).join(name)).unwrap();
        letsesign_net::Tls::new(&[(name, &pem)], clock.clone()).unwrap();
    }
    let (amazon, public) = (certificates("amazon.pem"), certificates("public.pem"));
    assert_eq!((amazon.len(), public.len()), (5, 142));
    for (number, certificate) in amazon.iter().enumerate() {
        assert!(public.contains(certificate), "number {number}");
    }
}

#[test]
fn mistakes_are_named() {
    for (file, from, to, words) in [
        ("limits.toml", "poll-ms", "pol-ms", "unknown field `pol-ms`"),
        (
            "limits.toml",
            "grace-ms = 20000",
            "",
            "missing field `grace-ms`",
        ),
        (
            "limits.toml",
            "workers-max = 16",
            "workers-max = 0",
            "workers-max must be 1 to 1024",
        ),
        (
            "limits.toml",
            "nsm-ms = 10000",
            "nsm-ms = 0",
            "nsm-ms must be",
        ),
        (
            "limits.toml",
            "nsm-ms = 10000",
            "nsm-ms = -1",
            "limits.toml is not acceptable",
        ),
        (
            "egress.toml",
            "cid = 3",
            "cid = 3\ncid = 4",
            "duplicate key",
        ),
        (
            "egress.toml",
            "cid = 3",
            "cid = 3\nproxy = 1",
            "unknown field `proxy`",
        ),
        (
            "egress.toml",
            "vsock-port = 9003",
            "vsock-port = 9002",
            "vsock-port 9002 is used twice",
        ),
        (
            "egress.toml",
            "vsock-port = 9003",
            "vsock-port = 9001",
            "vsock-port 9001 is used twice",
        ),
        (
            "egress.toml",
            "verify.twilio.com",
            "kms.us-east-1.amazonaws.com",
            "is listed twice",
        ),
        (
            "egress.toml",
            "verify.twilio.com",
            "Verify twilio",
            "is not a host name",
        ),
        (
            "egress.toml",
            "amazon.pem",
            "../amazon.pem",
            "is not the name of a file with anchors",
        ),
        ("egress.toml", "amazon.pem", "other.pem", "cannot read"),
        (
            "limits.toml",
            "por-days = 180",
            "por-days = 0",
            "por-days must be 1 to 3650",
        ),
        (
            "compatible.toml",
            "# Images",
            "[[release]]\nname = \"7\"\npcr0 = \"0\"\npcr1 = \"1\"\npcr2 = \"2\"\n# Images",
            "pcr0 of 7 is not 96 hexadecimal digits",
        ),
        (
            "compatible.toml",
            "# Images",
            "[[version]]\n# Images",
            "unknown field `version`",
        ),
    ] {
        let error = with(file, from, to);
        assert!(error.contains(words), "expected {words:?} in {error:?}");
    }
    assert!(
        format!("{:#}", load(Path::new("/nonexistent")).unwrap_err())
            .contains("/nonexistent/egress.toml")
    );
}
