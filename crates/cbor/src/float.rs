//! The shortest form of floating-point numbers (RFC 8949, sections 4.1 and 4.2.2).

/// A number in its shortest form: the bits of binary16, binary32 or binary64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortest {
    Float16(u16),
    Float32(u32),
    Float64(u64),
}

const EXPONENT_BIAS: i32 = 1023;
const MANTISSA_BITS: i32 = 52;
/// Bits of the mantissa that binary16 lacks.
const MANTISSA_CUT: i32 = MANTISSA_BITS - 10;

/// Every NaN becomes the one that section 4.2.2 recommends.
pub(crate) fn shortest(value: f64) -> Shortest {
    if value.is_nan() {
        return Shortest::Float16(0x7e00);
    }
    if let Some(bits) = to_half(value) {
        return Shortest::Float16(bits);
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the comparison finds out whether the narrow number is the same one"
    )]
    let narrow = value as f32;
    if f64::from(narrow).to_bits() == value.to_bits() {
        Shortest::Float32(narrow.to_bits())
    } else {
        Shortest::Float64(value.to_bits())
    }
}

/// The bits of binary16, if it can represent the number exactly. Not for NaN.
fn to_half(value: f64) -> Option<u16> {
    let bits = value.to_bits();
    let [high, ..] = bits.to_be_bytes();
    let sign = u16::from(high & 0x80) << 8;
    if value == 0.0 {
        return Some(sign);
    }
    if value.is_infinite() {
        return Some(sign | 0x7c00);
    }
    let mantissa = bits & ((1 << MANTISSA_BITS) - 1);
    let exponent = i32::try_from(bits >> MANTISSA_BITS & 0x7ff).ok()? - EXPONENT_BIAS;
    let (exponent_bits, significand, cut) = match exponent {
        -14..=15 => (exponent + 15, mantissa, MANTISSA_CUT),
        // Subnormal: the leading one becomes explicit and moves to the right.
        -24..=-15 => (
            0,
            mantissa | 1 << MANTISSA_BITS,
            MANTISSA_CUT - 14 - exponent,
        ),
        _ => return None,
    };
    if significand & ((1 << cut) - 1) != 0 {
        return None;
    }
    let significand = u16::try_from(significand >> cut).ok()?;
    Some(sign | u16::try_from(exponent_bits).ok()? << 10 | significand)
}

/// The number that binary16 bits represent; exact.
pub(crate) fn from_half(bits: u16) -> f64 {
    let significand = f64::from(bits & 0x3ff);
    let magnitude = match bits >> 10 & 0x1f {
        0 => significand * 2_f64.powi(-24),
        31 if significand == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (significand + 1024.0) * 2_f64.powi(i32::from(exponent) - 25),
    };
    if bits & 0x8000 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::{Shortest, from_half, shortest};

    #[test]
    fn every_half_is_its_own_shortest_form() {
        for bits in 0..=u16::MAX {
            let value = from_half(bits);
            let expected = if value.is_nan() { 0x7e00 } else { bits };
            assert_eq!(shortest(value), Shortest::Float16(expected), "{bits:#06x}");
        }
    }

    #[test]
    fn neighbours_of_a_half_need_more() {
        // Between two halves, below the smallest, above the largest.
        for value in [1.0 + 2_f64.powi(-11), 2_f64.powi(-25), 65536.0, 65519.0] {
            assert!(matches!(shortest(value), Shortest::Float32(_)), "{value}");
        }
        assert_eq!(shortest(1.1), Shortest::Float64(1.1_f64.to_bits()));
        assert!(matches!(shortest(1e300), Shortest::Float64(_)));
    }
}
