use super::*;
use std::path::PathBuf;

fn input(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors/inputs")
        .join(name)
}

fn key() -> SigningKey {
    SigningKey::read(&input("key.pem")).unwrap()
}

fn certificate() -> Certificate {
    Certificate::read(&input("cert.pem")).unwrap()
}

/// Written down by hand from RFC 8949 and RFC 9052.
#[test]
fn to_be_signed_is_a_sig_structure() {
    let pcr0 = Pcr::new([7; 48]);
    let mut payload = b"\xa2\x6eregister_index\x00\x6eregister_value\x98\x30".to_vec();
    payload.extend_from_slice(&[7; 48]);
    let mut expected = b"\x84\x6aSignature1\x44\xa1\x01\x38\x22\x40\x58".to_vec();
    expected.push(u8::try_from(payload.len()).unwrap());
    expected.extend_from_slice(&payload);
    assert_eq!(to_be_signed(&pcr0, Algorithm::Es384), expected);
    // Values from 24 on take two bytes in an array of integers.
    assert_eq!(
        to_be_signed(&Pcr::new([200; 48]), Algorithm::Es384).len(),
        expected.len() + 48
    );
}

/// OpenSSL, and AWS's tools with it, take the first block for the signer's certificate: PCR8 would
/// be that of another one than the one we show.
#[test]
fn a_first_certificate_that_only_openssl_sees_is_refused() {
    let pcr0 = Pcr::of(b"image");
    let signed = PcrSignature::sign(&pcr0, &key(), certificate()).unwrap();
    let pem = String::from_utf8(certificate().pem().to_vec()).unwrap();
    let other = pem.replace("CERTIFICATE", "X509 CERTIFICATE");
    let text = format!("{other}{pem}");
    let error = Certificate::from_pem(text.as_bytes()).unwrap_err();
    assert!(error.contains("other readers"), "{error}");
    let sign1 = cbor::sign1(&cbor::payload(&pcr0), Algorithm::Es384, signed.signature());
    let section = cbor::section(text.as_bytes(), &sign1);
    let violation = PcrSignature::from_section(&section, 0, &pcr0).unwrap_err();
    assert_eq!(violation.rule, Rule::SignatureForm);
}

#[test]
fn section_comes_back() {
    let pcr0 = Pcr::of(b"image");
    let signed = PcrSignature::sign(&pcr0, &key(), certificate()).unwrap();
    let section = signed.to_section(&pcr0);
    assert_eq!(
        PcrSignature::from_section(&section, 0, &pcr0).unwrap(),
        signed
    );
    let other = PcrSignature::from_section(&section, 9, &Pcr::of(b"other")).unwrap_err();
    assert_eq!((other.rule, other.offset), (Rule::SignaturePcr0, 9));
}

#[test]
fn tagged_cose_is_read_too() {
    let pcr0 = Pcr::of(b"image");
    let signed = PcrSignature::sign(&pcr0, &key(), certificate()).unwrap();
    let sign1 = cbor::sign1(&cbor::payload(&pcr0), Algorithm::Es384, signed.signature());
    for (tag, good) in [
        (vec![0xd2], true),
        (vec![0xd1], false),
        (vec![0xd2, 0xd2], false),
        (vec![0xd8, 0x3d], false),
    ] {
        let section = cbor::section(signed.certificate.pem(), &[tag, sign1.clone()].concat());
        assert_eq!(PcrSignature::from_section(&section, 0, &pcr0).is_ok(), good);
    }
}

#[test]
fn signatures_from_elsewhere() {
    let pcr0 = Pcr::of(b"image");
    let signed = PcrSignature::sign(&pcr0, &key(), certificate()).unwrap();
    let der = p384::ecdsa::Signature::from_slice(signed.signature())
        .unwrap()
        .to_der();
    for bytes in [signed.signature().to_vec(), der.as_bytes().to_vec()] {
        assert_eq!(
            PcrSignature::attach(&pcr0, &bytes, certificate()).unwrap(),
            signed
        );
        let error = PcrSignature::attach(&Pcr::of(b"other"), &bytes, certificate())
            .unwrap_err()
            .to_string();
        assert!(error.contains("does not verify"), "{error}");
    }
    for bytes in [vec![], vec![0; 96], vec![0x30, 0], vec![1; 200]] {
        assert!(PcrSignature::attach(&pcr0, &bytes, certificate()).is_err());
    }
}

#[test]
fn keys_and_certificates_must_fit() {
    let other = p384::SecretKey::from_slice(&[5; 48]).unwrap();
    let pem =
        p384::pkcs8::EncodePrivateKey::to_pkcs8_pem(&other, p384::pkcs8::LineEnding::LF).unwrap();
    let key = SigningKey::from_pem(&pem).unwrap();
    let error = PcrSignature::sign(&Pcr::of(b"x"), &key, certificate())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("does not belong to the certificate"),
        "{error}"
    );
    assert_eq!(format!("{key:?}"), "SigningKey");
}

#[test]
fn unusable_files_are_explained() {
    for (pem, text) in [
        ("", "no private key"),
        (
            "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
            "no private key",
        ),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "encrypted",
        ),
        (
            "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END EC PRIVATE KEY-----\n",
            "encrypted",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
            "P-384",
        ),
        ("-----BEGIN PRIVATE KEY-----\nAA==\n", "no private key"),
    ] {
        assert!(
            SigningKey::from_pem(pem).unwrap_err().contains(text),
            "{pem}"
        );
    }
    for (pem, text) in [
        ("", "BEGIN CERTIFICATE"),
        (
            "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
            "bad PEM",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
            "bad certificate",
        ),
        (
            "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
            "bad PEM",
        ),
    ] {
        let error = Certificate::from_pem(pem.as_bytes()).unwrap_err();
        assert!(error.contains(text), "{pem}: {error}");
    }
    assert!(
        Certificate::from_pem(&[0xff; 10])
            .unwrap_err()
            .contains("is not PEM text")
    );
    assert!(
        Certificate::from_pem(&vec![b' '; 70_000])
            .unwrap_err()
            .contains("limit")
    );
}

#[test]
fn certificate_says_what_nitro_cli_prints() {
    let certificate = certificate();
    let info = certificate.info();
    assert_eq!(info.algorithm, "ecdsa-with-SHA384");
    let name: Vec<_> = info
        .issuer
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(
        name,
        [
            "commonName=eif test vector",
            "countryName=XX",
            "organizationName=Example"
        ]
    );
    assert!(
        info.not_before.ends_with(" GMT") && info.not_before.len() == 24,
        "{}",
        info.not_before
    );
    assert!(
        info.signature.split(':').all(|pair| pair.len() == 2),
        "{}",
        info.signature
    );
}

/// A chain: the first certificate counts, the file is kept as it is.
#[test]
fn first_certificate_of_a_chain_counts() {
    let one = std::fs::read_to_string(input("cert.pem")).unwrap();
    let chain = format!("Subject: someone\n{one}\n{one}");
    let parsed = Certificate::from_pem(chain.as_bytes()).unwrap();
    assert_eq!(
        (parsed.chain_length(), parsed.der()),
        (2, certificate().der())
    );
    assert_eq!(parsed.pem(), chain.as_bytes());
}

fn pair(key: &str, certificate: &str) -> (SigningKey, Certificate) {
    let key = SigningKey::read(&input(key)).unwrap();
    (key, Certificate::read(&input(certificate)).unwrap())
}

/// The algorithm is signed, so nobody can change it; but a signer could choose one that is not the
/// certificate's, and readers that go by the header would disagree with those that go by the key.
#[test]
fn an_algorithm_that_is_not_the_keys_is_refused() {
    let pcr0 = Pcr::of(b"image");
    let (key, certificate) = pair("p256.pem", "p256-cert.pem");
    for algorithm in [Algorithm::Es384, Algorithm::Es512] {
        // Signed by the key over this very header, and filled up to the header's length.
        let mut signature = key.sign(&to_be_signed(&pcr0, algorithm));
        signature.resize(algorithm.signature_size(), 0);
        let sign1 = cbor::sign1(&cbor::payload(&pcr0), algorithm, &signature);
        let section = cbor::section(certificate.pem(), &sign1);
        let found = PcrSignature::from_section(&section, 0, &pcr0).unwrap_err();
        assert_eq!(found.rule, Rule::SignatureForm);
        assert!(found.detail.contains("key is on P-256 (ES256)"), "{found}");
    }
}

#[test]
fn signatures_of_another_length_are_refused() {
    let pcr0 = Pcr::of(b"image");
    for (key, certificate) in [
        pair("p256.pem", "p256-cert.pem"),
        pair("key.pem", "cert.pem"),
        pair("p521.pem", "p521-cert.pem"),
    ] {
        let algorithm = key.algorithm();
        let good = key.sign(&to_be_signed(&pcr0, algorithm));
        let longer = [&[0][..], &good].concat();
        for signature in [&[][..], &good[1..], &longer, &good[..good.len() / 2]] {
            let sign1 = cbor::sign1(&cbor::payload(&pcr0), algorithm, signature);
            let section = cbor::section(certificate.pem(), &sign1);
            let found = PcrSignature::from_section(&section, 7, &pcr0).unwrap_err();
            assert_eq!((found.rule, found.offset), (Rule::SignatureForm, 7));
            assert!(found.detail.contains("bytes; ES"), "{found}");
        }
        let zeros = vec![0; good.len()];
        let sign1 = cbor::sign1(&cbor::payload(&pcr0), algorithm, &zeros);
        let section = cbor::section(certificate.pem(), &sign1);
        let found = PcrSignature::from_section(&section, 0, &pcr0).unwrap_err();
        assert_eq!(found.rule, Rule::SignatureValid);
    }
}

#[test]
fn protected_headers_that_name_no_algorithm_are_refused() {
    let pcr0 = Pcr::of(b"image");
    let (key, certificate) = pair("key.pem", "cert.pem");
    let signature = key.sign(&to_be_signed(&pcr0, Algorithm::Es384));
    let good = cbor::sign1(&cbor::payload(&pcr0), Algorithm::Es384, &signature);
    assert_eq!(&good[..6], b"\x84\x44\xa1\x01\x38\x22");
    for (header, text) in [
        (&b"\x40"[..], "is not {1: -7}"),
        (b"\x41\xa0", "is not {1: -7}"),
        (b"\x44\xa1\x02\x38\x22", "is not {1: -7}"),
        (b"\x43\xa1\x01\x27", "names the algorithm -8"),
        (b"\x45\xa1\x01\x38\x22\x00", "is not exactly"),
        (b"\x45\xa1\x01\x39\x00\x22", "is not exactly"),
        (b"\x45\xa1\x18\x01\x38\x22", "is not exactly"),
    ] {
        let sign1 = [&good[..1], header, &good[6..]].concat();
        let section = cbor::section(certificate.pem(), &sign1);
        let found = PcrSignature::from_section(&section, 0, &pcr0).unwrap_err();
        assert_eq!(found.rule, Rule::SignatureForm);
        assert!(found.detail.contains(text), "{found}");
    }
}

/// (r, n - s) is a signature if (r, s) is one. COSE takes both, and so do AWS's tools.
#[test]
fn both_values_of_s_are_good() {
    let pcr0 = Pcr::of(b"image");
    let (key, certificate) = pair("p256.pem", "p256-cert.pem");
    let raw = key.sign(&to_be_signed(&pcr0, Algorithm::Es256));
    let signature = p256::ecdsa::Signature::from_slice(&raw).unwrap();
    let other = p256::ecdsa::Signature::from_scalars(
        signature.r().to_bytes(),
        (-*signature.s()).to_bytes(),
    );
    let other = other.unwrap().to_bytes();
    assert_ne!(other.to_vec(), raw);
    for bytes in [raw, other.to_vec()] {
        PcrSignature::attach(&pcr0, &bytes, certificate.clone()).unwrap();
    }
}
