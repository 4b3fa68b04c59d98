use crate::support::{Response, connect, exchange};
use letsesign_kms::{Decrypt, Error, RecipientKey, Signed, answer};
use letsesign_test_authority::Document;
use letsesign_testbed::kms::{ACCESS_KEY, HOST, KEY_ARN};
use letsesign_testbed::{CmsStyle, Options, Testbed, customer};
use rand_core::UnwrapErr;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn random() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

fn key() -> &'static RecipientKey {
    static KEY: OnceLock<RecipientKey> = OnceLock::new();
    KEY.get_or_init(|| RecipientKey::generate(&mut random(), Duration::ZERO).unwrap())
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn attested(testbed: &Testbed, change: impl FnOnce(&mut Document)) -> Vec<u8> {
    testbed.nsm.attest(None, |document| {
        document.public_key = Some(key().public_key().to_vec());
        change(document);
    })
}

fn signed(document: &[u8], ciphertext: &[u8]) -> Signed {
    let decrypt = Decrypt {
        key_arn: KEY_ARN,
        access: ACCESS_KEY,
        session_token: None,
        ciphertext,
        attestation: document,
    };
    decrypt.sign(now()).unwrap()
}

async fn send(testbed: &Testbed, signed: &Signed) -> Response {
    let mut stream = connect(testbed.kms.address(), HOST).await.unwrap();
    let headers: Vec<(&str, &str)> = signed
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    exchange(&mut stream, "POST", "/", &headers, &signed.body)
        .await
        .unwrap()
}

#[tokio::test]
async fn data_keys_come_in_every_spelling() {
    let options = Options {
        shortcut: false,
        ..Options::default()
    };
    let testbed = Testbed::start(options).await.unwrap();
    let document = attested(&testbed, |_| {});
    let mut lengths = Vec::new();
    for style in [CmsStyle::Aws, CmsStyle::Pieces, CmsStyle::Der] {
        testbed.kms.set_style(style);
        let response = send(
            &testbed,
            &signed(&document, &customer::encrypt_data_key(&[7; 32])),
        )
        .await;
        assert_eq!(response.status, 200, "{:?}", response.json());
        let cms = answer(200, &response.body).unwrap();
        assert_eq!(*key().open(&cms, &mut random()).unwrap(), [7; 32]);
        lengths.push(cms.len());
    }
    assert!(
        lengths[2] < lengths[0] && lengths[0] < lengths[1],
        "{lengths:?}"
    );
    let counters = testbed.kms.counters();
    assert_eq!((counters.requests(), counters.served()), (3, 3));
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let signed = signed(
        &attested(&testbed, |_| {}),
        &customer::encrypt_data_key(&[1; 32]),
    );
    let headers: Vec<(&str, &str)> = signed
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut stream = connect(testbed.kms.address(), HOST).await.unwrap();
    for _ in 0..5 {
        let response = exchange(&mut stream, "POST", "/", &headers, &signed.body)
            .await
            .unwrap();
        assert_eq!(response.status, 200);
    }
    assert_eq!(testbed.kms.counters().connections(), 1);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn wrong_requests_are_refused_as_aws_does() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let document = attested(&testbed, |_| {});
    let ciphertext = customer::encrypt_data_key(&[7; 32]);
    let sign = |access, time, key_arn, ciphertext: &[u8], attestation: &[u8]| {
        Decrypt {
            key_arn,
            session_token: None,
            access,
            ciphertext,
            attestation,
        }
        .sign(time)
        .unwrap()
    };
    let other_image = attested(&testbed, |document| document.pcrs[1].1 = vec![9; 48]);
    let debug = attested(&testbed, |document| document.pcrs[0].1 = vec![0; 48]);
    let keyless = attested(&testbed, |document| document.public_key = None);
    let stale = attested(&testbed, |document| document.time -= 301_000);
    let mut forged = document.clone();
    *forged.last_mut().unwrap() ^= 1;
    let elsewhere = "arn:aws:kms:us-east-1:111122223333:key/2";
    for (signed, kind, error) in [
        (
            sign(
                (ACCESS_KEY.0, "wrong"),
                now(),
                KEY_ARN,
                &ciphertext,
                &document,
            ),
            "InvalidSignatureException",
            Error::Credentials,
        ),
        (
            sign(
                ("AKIAOTHER", ACCESS_KEY.1),
                now(),
                KEY_ARN,
                &ciphertext,
                &document,
            ),
            "UnrecognizedClientException",
            Error::Credentials,
        ),
        (
            sign(ACCESS_KEY, now() - 400, KEY_ARN, &ciphertext, &document),
            "InvalidSignatureException",
            Error::Credentials,
        ),
        (
            sign(ACCESS_KEY, now(), elsewhere, &ciphertext, &document),
            "NotFoundException",
            Error::Refused,
        ),
        (
            sign(ACCESS_KEY, now(), KEY_ARN, &ciphertext, &other_image),
            "AccessDeniedException",
            Error::Refused,
        ),
        (
            sign(ACCESS_KEY, now(), KEY_ARN, &ciphertext, &debug),
            "AccessDeniedException",
            Error::Refused,
        ),
        (
            sign(ACCESS_KEY, now(), KEY_ARN, &ciphertext, &keyless),
            "ValidationException",
            Error::Refused,
        ),
        (
            sign(ACCESS_KEY, now(), KEY_ARN, &ciphertext, &stale),
            "ValidationException",
            Error::Refused,
        ),
        (
            sign(ACCESS_KEY, now(), KEY_ARN, &ciphertext, &forged),
            "ValidationException",
            Error::Refused,
        ),
        (
            sign(ACCESS_KEY, now(), KEY_ARN, &[5; 256], &document),
            "InvalidCiphertextException",
            Error::Ciphertext,
        ),
        (
            sign(ACCESS_KEY, now(), KEY_ARN, b"short", &document),
            "InvalidCiphertextException",
            Error::Ciphertext,
        ),
    ] {
        let response = send(&testbed, &signed).await;
        assert_eq!(
            (response.status, &response.json()["__type"]),
            (400, &kind.into()),
            "{}",
            response.json()
        );
        assert_eq!(answer(response.status, &response.body), Err(error));
    }
    // A body that is not the signed one.
    let mut changed = signed(&document, &ciphertext);
    changed.body.push(b' ');
    let response = send(&testbed, &changed).await;
    assert_eq!(response.json()["__type"], "InvalidSignatureException");
    assert_eq!(testbed.kms.counters().served(), 0);
    // The policy is not cut in stone.
    testbed.kms.change_policy(|policy| policy.images.clear());
    let response = send(&testbed, &signed(&document, &ciphertext)).await;
    assert_eq!(response.json()["__type"], "AccessDeniedException");
}
