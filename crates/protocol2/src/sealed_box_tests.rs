use super::*;
use proptest::prelude::*;

const SECRET: [u8; 32] = [1; 32];

fn slot(part: Part) -> Slot<'static> {
    Slot {
        part,
        secret: &SECRET,
        task: &[2; 32],
        context: &[3; 32],
    }
}

const PARTS: [Part; 5] = [
    Part::Account,
    Part::Configuration,
    Part::Document,
    Part::Result,
    Part::Decline,
];

proptest! {
    #[test]
    fn a_box_opens_to_its_text(text: Vec<u8>) {
        let sealed = slot(Part::Document).seal(&text).unwrap();
        prop_assert_eq!(sealed.len(), text.len() + BOX_OVERHEAD);
        prop_assert_eq!(&*slot(Part::Document).open(sealed).unwrap(), &text);
    }

    #[test]
    fn every_changed_bit_is_refused(
        text in prop::collection::vec(any::<u8>(), 0..64), at: prop::sample::Index, bit in 0..8,
    ) {
        let mut sealed = slot(Part::Document).seal(&text).unwrap();
        let at = at.index(sealed.len());
        sealed[at] ^= 1_u8 << bit;
        prop_assert_eq!(slot(Part::Document).open(sealed), Err(Error::Box));
    }

    #[test]
    fn every_other_length_is_refused(
        text in prop::collection::vec(any::<u8>(), 0..64), end in 0_usize..160,
    ) {
        let mut sealed = slot(Part::Document).seal(&text).unwrap();
        prop_assume!(end != sealed.len());
        sealed.resize(end, 0);
        prop_assert_eq!(slot(Part::Document).open(sealed), Err(Error::Box));
    }
}

#[test]
fn a_box_opens_in_its_own_place_alone() {
    for part in PARTS {
        let sealed = slot(part).seal(b"text").unwrap();
        for other in PARTS {
            let opened = slot(other).open(sealed.clone());
            assert_eq!(opened.is_ok(), part == other, "{part:?} as {other:?}");
        }
        let places = [
            Slot {
                task: &[9; 32],
                ..slot(part)
            },
            Slot {
                task: &[],
                ..slot(part)
            },
            Slot {
                context: &[9; 32],
                ..slot(part)
            },
            Slot {
                context: &[],
                ..slot(part)
            },
            Slot {
                secret: &[9; 32],
                ..slot(part)
            },
        ];
        for other in places {
            assert_eq!(other.open(sealed.clone()), Err(Error::Box));
        }
    }
}

#[test]
fn the_same_text_never_has_the_same_box() {
    let seal = || slot(Part::Document).seal(b"text").unwrap();
    let (first, second) = (seal(), seal());
    assert_ne!(first[..32], second[..32]);
    assert_ne!(first[64..], second[64..]);
}

/// GCM without a commitment lets a box open under two keys. With it, the second key is refused
/// before anything is decrypted, whatever the ciphertext is: only one secret fits a commitment.
#[test]
fn a_ciphertext_made_for_another_key_is_refused_by_the_commitment() {
    let random = [5; 32];
    let one = slot(Part::Document).seal_with(&random, b"text");
    let other = Slot {
        secret: &[9; 32],
        ..slot(Part::Document)
    }
    .seal_with(&random, b"text");
    // The other key's ciphertext and tag are genuine under the other key; the commitment is not.
    let mixed = [&one[..64], &other[64..]].concat();
    let at_other = Slot {
        secret: &[9; 32],
        ..slot(Part::Document)
    };
    assert_eq!(at_other.open(mixed.clone()), Err(Error::Box));
    assert_eq!(slot(Part::Document).open(mixed), Err(Error::Box));
}
