//! The operators of content streams and their operands (ISO 32000-1, Annex A).

/// The type of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Name,
    String,
    Array,
    Dict,
    /// `true`, `false`, `null`.
    Other,
}

/// The operands of an operator, one letter each: `n`umber, `N`ame, `s`tring, `a`rray, `p` for a
/// name or a dictionary; `*` is any number of operands. `None` for an unknown operator.
pub(super) fn operands(word: &[u8]) -> Option<&'static str> {
    Some(match word {
        b"b" | b"B" | b"b*" | b"B*" | b"f" | b"F" | b"f*" | b"S" | b"s" | b"n" | b"W" | b"W*"
        | b"h" | b"q" | b"Q" | b"BT" | b"ET" | b"T*" | b"EMC" | b"BX" | b"EX" | b"BI" => "",
        b"w" | b"J" | b"j" | b"M" | b"i" | b"G" | b"g" | b"Tc" | b"Tw" | b"Tz" | b"TL" | b"Tr"
        | b"Ts" => "n",
        b"l" | b"m" | b"Td" | b"TD" | b"d0" => "nn",
        b"RG" | b"rg" => "nnn",
        b"v" | b"y" | b"re" | b"K" | b"k" => "nnnn",
        b"c" | b"cm" | b"Tm" | b"d1" => "nnnnnn",
        b"d" => "an",
        b"ri" | b"gs" | b"CS" | b"cs" | b"Do" | b"sh" | b"MP" | b"BMC" => "N",
        b"BDC" | b"DP" => "Np",
        b"Tf" => "Nn",
        b"Tj" | b"'" => "s",
        b"\"" => "nns",
        b"TJ" => "a",
        b"SC" | b"sc" | b"SCN" | b"scn" => "*",
        _ => return None,
    })
}

/// Whether the operands of an operator are correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Right,
    /// Too few operands. Some readers stop rendering the page here.
    TooFew,
    /// Operands of the wrong type. Readers skip such an operator.
    Wrong,
}

/// Compares the last operands of `given` with `wanted`: readers ignore surplus operands before
/// those.
pub(super) fn fit(wanted: &str, given: &[Kind]) -> Fit {
    if wanted == "*" {
        return Fit::Right;
    }
    let Some(spare) = given.len().checked_sub(wanted.len()) else {
        return Fit::TooFew;
    };
    let last = given.get(spare..).unwrap_or_default();
    let right = wanted.bytes().zip(last).all(|(letter, kind)| match letter {
        b'n' => *kind == Kind::Number,
        b'N' => *kind == Kind::Name,
        b's' => *kind == Kind::String,
        b'a' => *kind == Kind::Array,
        _ => matches!(kind, Kind::Name | Kind::Dict),
    });
    if right { Fit::Right } else { Fit::Wrong }
}
