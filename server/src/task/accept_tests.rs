//! The attacker has every ciphertext of a task, may put any bytes into any slot, and learns the
//! code. A data key is given for whatever is sent, as KMS would, and no budget stops it.

use super::*;
use crate::kms::random;
use letsesign_kms::encrypt;
use rand_core::Rng;
use std::sync::LazyLock;

const BEARER: &str = "bearer-secret-of-the-test";
const KEYS: [[u8; 32]; 5] = [[1; 32], [2; 32], [3; 32], [4; 32], [5; 32]];
const SLOTS: [Slot; 5] = [
    Slot::Binding,
    Slot::Config,
    Slot::Template,
    Slot::Email,
    Slot::Twilio,
];

fn keyed(key: [u8; 32], text: &[u8]) -> Keyed {
    let iv = [9; 16];
    Keyed {
        envelope: Envelope {
            encrypted_data_key: vec![key[0]; 256],
            iv,
            encrypted_data: encrypt(&key, &iv, text).split_off(16),
        },
        data_key: Zeroizing::new(key.to_vec()),
    }
}

fn config_text() -> String {
    let signer = r#"{"name":"N","emailAddr":"n@example.com","locale":"en-US"}"#;
    let config = format!(
        r#"{{"fileName":"a.pdf","senderMsg":"m","notificantEmail":"","notificantLocale":"en-US","signerInfoList":[{signer}]}}"#
    );
    format!(r#"{{"taskConfig":{config}}}"#)
}

fn email_text() -> String {
    format!(
        r#"{{"emailConfig":{{"serviceProvider":"sg","sgSecret":"SG.s","sgDomain":"example.com"}},"bearerSecret":"{BEARER}"}}"#
    )
}

fn template() -> Vec<u8> {
    (0..200_u8).collect()
}

/// Made once: the tests take it tens of thousands of times.
fn honest() -> &'static (Slots, Public) {
    static HONEST: LazyLock<(Slots, Public)> = LazyLock::new(make_honest);
    &HONEST
}

fn make_honest() -> (Slots, Public) {
    let config = config_text();
    let hash = |text: &str| Hash::of(text.as_bytes()).to_string();
    let inner = config.strip_prefix(r#"{"taskConfig":"#).unwrap();
    let binding = format!(
        r#"{{"bindingData":{{"inOrder":false,"taskConfigHash":"{}","templateInfoHash":"{}","templateDataHash":"{}","accessKey":"k","bearerSecret":"{BEARER}"}}}}"#,
        hash(&inner[..inner.len() - 1]),
        hash("info"),
        Hash::of(&template()),
    );
    let twilio = format!(
        r#"{{"twilioConfig":{{"apiSID":"SK1","apiSecret":"s","serviceSID":"VA1"}},"bearerSecret":"{BEARER}"}}"#
    );
    let slots = Slots {
        binding: Ok(keyed(KEYS[0], binding.as_bytes())),
        config: Ok(keyed(KEYS[1], config.as_bytes())),
        template: Ok(keyed(KEYS[2], &template())),
        email: Ok(keyed(KEYS[3], email_text().as_bytes())),
        twilio: Some(Ok(keyed(KEYS[4], twilio.as_bytes()))),
    };
    let public = Public {
        in_order: false,
        template_info_hash: hash("info"),
        provider: Provider::SendGrid,
        email_domain: "example.com".into(),
    };
    (slots, public)
}

fn part(slots: &mut Slots, slot: Slot) -> &mut Keyed {
    let part = match slot {
        Slot::Binding => &mut slots.binding,
        Slot::Config => &mut slots.config,
        Slot::Template => &mut slots.template,
        Slot::Email => &mut slots.email,
        Slot::Twilio => slots.twilio.as_mut().unwrap(),
    };
    part.as_mut().unwrap()
}

fn code(slots: Slots) -> Option<Refused> {
    accept(slots, &honest().1).err()
}

/// The single code with which a slot refuses everything that is not its content.
fn one_code(slot: Slot) -> Refused {
    let code = match slot {
        Slot::Template => Code::TemplateDataHash,
        _ => Code::DecryptFailed,
    };
    Refused { code, slot }
}

#[test]
fn an_honest_task_is_accepted() {
    let opened = accept(honest().0.clone(), &honest().1).map_err(|refused| refused.code);
    let mut opened = opened.unwrap();
    assert_eq!(opened.take_template().to_vec(), template());
    assert!(opened.twilio.is_some());
}

#[test]
fn random_ciphertexts_have_one_code_in_every_slot() {
    let mut random = random();
    let mut padded = 0;
    for slot in SLOTS {
        for _ in 0..10_000 {
            let mut slots = honest().0.clone();
            let keyed = part(&mut slots, slot);
            let blocks = 1 + random.next_u32() as usize % 3;
            let mut data = vec![0; 16 * blocks];
            random.fill_bytes(&mut data);
            random.fill_bytes(&mut keyed.envelope.iv);
            keyed.envelope.encrypted_data = data;
            let clear = keyed.envelope.clone().open(&keyed.data_key);
            padded += u32::from(bool::from(clear.accepted));
            assert_eq!(code(slots), Some(one_code(slot)));
        }
    }
    // The test says something only if there was padding to distinguish: 1 in 256 has it.
    assert!((50..500).contains(&padded), "{padded} of 50000");
}

/// Blocks of one part, spliced into every slot under the key of their own, with every last byte:
/// one in 256 has good padding. This is Vaudenay's oracle, and the audit's attack.
#[test]
fn blocks_of_other_parts_have_one_code_in_every_slot() {
    let victims = &honest().0;
    for from in SLOTS {
        let victim = part(&mut victims.clone(), from).clone();
        let data = &victim.envelope.encrypted_data;
        let last = data.len() / 16 - 1;
        for slot in SLOTS {
            for block in [1.min(last), last / 2, last] {
                let target = &data[16 * block..16 * (block + 1)];
                for guess in 0..=255 {
                    let mut slots = honest().0.clone();
                    let keyed = part(&mut slots, slot);
                    keyed.data_key.clone_from(&victim.data_key);
                    keyed.envelope.iv = [0x5a; 16];
                    keyed.envelope.iv[15] = guess;
                    keyed.envelope.encrypted_data = target.to_vec();
                    assert_eq!(code(slots), Some(one_code(slot)), "{from:?} in {slot:?}");
                }
            }
        }
    }
}

/// The attack loop itself: it recovers a byte wherever a guess is answered differently.
#[test]
fn the_attack_loop_recovers_nothing() {
    let victims = &honest().0;
    let email = part(&mut victims.clone(), Slot::Email).clone();
    let blocks: Vec<&[u8]> = email.envelope.encrypted_data.chunks(16).collect();
    let mut recovered = 0;
    for slot in SLOTS {
        for block in &blocks {
            let codes: Vec<_> = (0..=255_u8)
                .map(|guess| {
                    let mut slots = honest().0.clone();
                    let keyed = part(&mut slots, slot);
                    keyed.data_key.clone_from(&email.data_key);
                    keyed.envelope.iv = [0; 16];
                    keyed.envelope.iv[15] = guess;
                    keyed.envelope.encrypted_data = block.to_vec();
                    code(slots).map(|refused| refused.code)
                })
                .collect();
            recovered += u32::from(codes.iter().any(|code| *code != codes[0]));
        }
    }
    assert_eq!(recovered, 0);
}

/// Text that parsers refuse or read differently is indistinguishable from wrong padding.
#[test]
fn what_is_no_strict_json_has_the_code_of_wrong_padding() {
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
    for slot in SLOTS.into_iter().filter(|slot| *slot != Slot::Template) {
        for text in [
            &b""[..],
            b"{",
            b"\xff\xfe",
            b"\xef\xbb\xbf{}",
            b"NaN",
            b"{\"a\":NaN}",
            b"-Infinity",
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":1,\"\\u0061\":2}",
            b"\"\\ud800\"",
            b"01",
            b"{} {}",
            deep.as_bytes(),
        ] {
            let mut slots = honest().0.clone();
            let keyed_part = part(&mut slots, slot);
            *keyed_part = keyed([7; 32], text);
            assert_eq!(code(slots), Some(one_code(slot)), "{slot:?} {text:?}");
        }
    }
}

/// Text that passed is checked against its schema, and then by what it is bound to.
#[test]
fn strict_json_is_checked_against_its_schema() {
    for slot in SLOTS.into_iter().filter(|slot| *slot != Slot::Template) {
        for text in ["{}", "null", "[]", "1"] {
            let mut slots = honest().0.clone();
            *part(&mut slots, slot) = keyed([7; 32], text.as_bytes());
            let code = code(slots).map(|refused| refused.code);
            assert_eq!(code, Some(Code::InvalidParameter), "{slot:?} {text}");
        }
    }
}

#[test]
fn a_bearer_secret_in_another_slot_is_not_read() {
    // The e-mail configuration in the slot of the Twilio configuration, and the other way round.
    let honest_slots = &honest().0;
    let mut slots = honest_slots.clone();
    slots.twilio = Some(honest_slots.email.clone());
    let refused = code(slots).unwrap();
    assert_eq!(
        (refused.code, refused.slot),
        (Code::InvalidParameter, Slot::Twilio)
    );
    let mut slots = honest_slots.clone();
    slots.email = honest_slots.twilio.clone().unwrap();
    let refused = code(slots).unwrap();
    assert_eq!(
        (refused.code, refused.slot),
        (Code::InvalidParameter, Slot::Email)
    );
}
