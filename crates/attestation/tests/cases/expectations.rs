//! Rules 5 to 11: time, measurements, nonces.

use super::{Case, TIME, bad, good};
use letsesign_attestation::Standing;

const MINUTE: u64 = 60_000;
const CURRENT: Standing = Standing::Current;

pub(super) fn cases() -> Vec<Case> {
    let mut all = times();
    all.extend(measurements());
    all.extend(nonces());
    all.extend(standings());
    all
}

fn times() -> Vec<Case> {
    let live = |name, kind, note, now, max_age| {
        bad(name, 5, kind, note, |_| {}).running(now, max_age, None)
    };
    vec![
        live(
            "05-stale",
            "stale",
            "a millisecond too old",
            TIME + 5001,
            5000,
        ),
        live(
            "05-future",
            "future",
            "a millisecond too far ahead",
            TIME - MINUTE - 1,
            u64::MAX,
        ),
        live(
            "05-zero-clock",
            "future",
            "the verifier's clock is at 0",
            0,
            u64::MAX,
        ),
        Case {
            rule: 4,
            ..live(
                "05-expired-now",
                "certificate/validity",
                "valid then, and asked for now",
                TIME + 240 * MINUTE,
                u64::MAX,
            )
        },
        Case {
            rule: 4,
            ..bad(
                "05-valid-now",
                4,
                "certificate/validity",
                "valid later, and not when it was made",
                |d| {
                    d.chain[4].from = TIME / 1000 + 60;
                },
            )
        },
    ]
}

fn measurements() -> Vec<Case> {
    let other = |name, note, fill: [u8; 3]| {
        bad(name, 8, "unexpected", note, |d| {
            *d = d.clone().with_each_pcr(fill)
        })
    };
    let zero = |name, note, fill: [u8; 3]| {
        bad(name, 6, "debug", note, |d| {
            *d = d.clone().with_each_pcr(fill)
        })
    };
    vec![
        zero("06-debug", "PCR0 to PCR2 are zero", [0; 3]),
        zero("06-debug-pcr0", "PCR0 is zero", [0, 0x11, 0x11]),
        zero("06-debug-pcr1", "PCR1 is zero", [0x11, 0, 0x11]),
        zero("06-debug-pcr2", "PCR2 is zero", [0x11, 0x11, 0]),
        zero(
            "06-debug-first",
            "PCR2 is zero, and PCR0 another image's",
            [0x22, 0x11, 0],
        ),
        bad("07-no-pcr0", 7, "missing-pcr", "no PCR0", |d| {
            drop(d.pcrs.remove(0))
        }),
        bad("07-no-pcr1", 7, "missing-pcr", "no PCR1", |d| {
            drop(d.pcrs.remove(1))
        }),
        bad("07-no-pcr2", 7, "missing-pcr", "no PCR2", |d| {
            drop(d.pcrs.remove(2))
        }),
        other("08-pcr0", "another PCR0", [0x22, 0x11, 0x11]),
        other("08-pcr1", "another PCR1", [0x11, 0x22, 0x11]),
        other("08-pcr2", "another PCR2", [0x11, 0x11, 0x22]),
        other(
            "08-mixed",
            "registers of two expected images",
            [0x11, 0x22, 0x11],
        )
        .expecting(
            &[([0x11; 3], CURRENT), ([0x22; 3], CURRENT)],
            Err("unexpected"),
        ),
        good(
            "valid-second-image",
            8,
            "the second of two expected images",
            |d| *d = d.clone().with_each_pcr([0x22; 3]),
        )
        .expecting(&[([0x11; 3], CURRENT), ([0x22; 3], CURRENT)], Ok(CURRENT)),
        bad(
            "10-own-measurements",
            10,
            "unexpected",
            "it brings a list of expected measurements along",
            |d| {
                *d = d.clone().with_each_pcr([0x33; 3]);
                let own = "33".repeat(48);
                d.user_data =
                    Some(format!(r#"{{"0":"{own}","1":"{own}","2":"{own}"}}"#).into_bytes());
            },
        ),
    ]
}

fn nonces() -> Vec<Case> {
    let asked = |name, note, nonce: Option<Vec<u8>>| {
        bad(name, 9, "nonce", note, |d| d.nonce = nonce).running(TIME, 5000, Some(&[7; 16]))
    };
    vec![
        asked(
            "09-nonce-other",
            "its last byte differs",
            Some([vec![7; 15], vec![8]].concat()),
        ),
        asked("09-nonce-none", "no nonce", None),
        asked(
            "09-nonce-prefix",
            "the nonce and a byte more",
            Some(vec![7; 17]),
        ),
        asked(
            "09-nonce-short",
            "the nonce without its last byte",
            Some(vec![7; 15]),
        ),
        asked("09-nonce-empty", "a nonce of no bytes", Some(Vec::new())),
    ]
}

fn standings() -> Vec<Case> {
    let image = [0x11; 3];
    let seconds = TIME / 1000;
    let ended = |name, note, standing: Standing, outcome: Standing| {
        good(name, 11, note, |_| {}).expecting(&[(image, standing)], Ok(outcome))
    };
    let end = Standing::EndOfLife;
    vec![
        ended(
            "11-revoked",
            "its release is revoked, whenever",
            Standing::Revoked,
            Standing::Revoked,
        ),
        ended(
            "11-end-of-life",
            "its release ended in the second it was made",
            end(seconds),
            end(seconds),
        ),
        ended(
            "11-before-end-of-life",
            "its release ended a second later",
            end(seconds + 1),
            CURRENT,
        ),
        ended(
            "11-ended-now",
            "its release ended after it was made, and it is asked for now",
            end(seconds + 2),
            end(seconds + 2),
        )
        .running(TIME + 3000, 5000, None),
        good(
            "11-listed-twice",
            11,
            "its release is listed as in use and as revoked",
            |_| {},
        )
        .expecting(
            &[(image, CURRENT), (image, Standing::Revoked)],
            Ok(Standing::Revoked),
        ),
    ]
}
