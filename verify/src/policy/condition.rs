//! Registers that the conditions of statements require.

use super::model::Condition;

/// The strength of a condition on a register.
pub(super) enum Demand {
    Equal,
    Quantified,
}

/// The register that a condition key names. `ImageSha384` is an alias of PCR0.
pub(super) fn register(key: &str) -> Option<u8> {
    let key = key.to_ascii_lowercase();
    match key.strip_prefix("kms:recipientattestation:")? {
        "imagesha384" | "pcr0" => Some(0),
        "pcr1" => Some(1),
        "pcr2" => Some(2),
        _ => None,
    }
}

/// Whether a condition of an Allow requires the register to have one of its values; the error says
/// why it does not.
pub(super) fn demand(condition: &Condition) -> Result<Demand, String> {
    let Condition {
        operator,
        key,
        values,
    } = condition;
    let lower = operator.to_ascii_lowercase();
    if lower.ends_with("ifexists") {
        return Err(format!(
            "{operator} on {key} is true without an attestation document"
        ));
    }
    if lower.starts_with("forallvalues:") {
        return Err(format!(
            "{operator} on {key} is true without an attestation document"
        ));
    }
    let (quantified, plain) = match lower.strip_prefix("foranyvalue:") {
        Some(plain) => (true, plain),
        None => (false, lower.as_str()),
    };
    let demand = if quantified {
        Demand::Quantified
    } else {
        Demand::Equal
    };
    match plain {
        "stringequals" | "stringequalsignorecase" => Ok(demand),
        "stringlike" if !values.iter().any(|value| value.contains(['*', '?'])) => Ok(demand),
        "stringlike" => Err(format!(
            "{operator} on {key} has wildcards: other images match as well"
        )),
        _ => Err(format!("{operator} on {key} does not demand a value")),
    }
}

/// Whether a condition of a Deny is true for every value except its own, and without an attestation
/// document.
pub(super) fn negated(condition: &Condition) -> bool {
    matches!(
        condition
            .operator
            .to_ascii_lowercase()
            .trim_end_matches("ifexists"),
        "stringnotequals" | "stringnotequalsignorecase"
    )
}
