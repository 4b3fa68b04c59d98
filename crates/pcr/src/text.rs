//! Registers and measurements with serde: a register is a string, measurements are an object with
//! exactly the members `0`, `1` and `2`.

use crate::{Measurements, Pcr};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

impl Serialize for Pcr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pcr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    #[serde(rename = "0")]
    pcr0: Pcr,
    #[serde(rename = "1")]
    pcr1: Pcr,
    #[serde(rename = "2")]
    pcr2: Pcr,
}

impl Serialize for Measurements {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [pcr0, pcr1, pcr2] = *self.registers();
        Members { pcr0, pcr1, pcr2 }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Measurements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Members { pcr0, pcr1, pcr2 } = Members::deserialize(deserializer)?;
        Self::new(pcr0, pcr1, pcr2).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_strictly() {
        let (a, b, zero) = ("a1".repeat(48), "b2".repeat(48), "00".repeat(48));
        let text = format!(r#"{{"0":"{a}","1":"{b}","2":"{a}"}}"#);
        let image: Measurements = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&image).unwrap(), text);
        for (bad, words) in [
            (format!(r#"{{"0":"{a}","1":"{b}"}}"#), "missing field `2`"),
            (format!(r#"{{"0":"{a}","1":"{b}","2":"{zero}"}}"#), "PCR2"),
            (text.replace("a1", "A1"), "96 lower-case hexadecimal digits"),
            (
                text.replace('}', &format!(r#","3":"{a}"}}"#)),
                "unknown field `3`",
            ),
        ] {
            let error = serde_json::from_str::<Measurements>(&bad).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
