//! Says how a rebuilt file differs from the committed one.

use crate::kernel::compare_configurations;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// The differences, one line each; none when the files are equal.
pub(super) fn compare(committed: &Path, rebuilt: &Path) -> Result<Vec<String>> {
    if !committed.is_file() {
        return Ok(vec!["it is not in the repository".to_owned()]);
    }
    if !rebuilt.is_file() {
        return Ok(vec!["the recipe did not make it".to_owned()]);
    }
    let Some(difference) = Difference::between(committed, rebuilt)? else {
        return Ok(Vec::new());
    };
    let mut lines = vec![difference.to_string()];
    // For kernel configurations, the differing options say more than the differing bytes.
    if committed.file_name().is_some_and(|name| name == "config") {
        let options = compare_configurations(committed, rebuilt)?;
        if options.is_empty() {
            lines.push("only comments differ".to_owned());
        }
        lines.extend(options);
    }
    Ok(lines)
}

/// Where two files begin to differ.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    /// Offset of the first byte that differs or that only one file has.
    first: u64,
    /// How many bytes differ, those that only one file has among them.
    count: u64,
    sizes: (u64, u64),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} bytes differ, the first at offset {:#x}; {} bytes committed, {} rebuilt",
            self.count, self.first, self.sizes.0, self.sizes.1
        )
    }
}

impl Difference {
    fn between(left: &Path, right: &Path) -> Result<Option<Self>> {
        let open = |path: &Path| {
            let file =
                File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            let size = file
                .metadata()
                .with_context(|| format!("cannot read {}", path.display()))?
                .len();
            Ok::<_, anyhow::Error>((BufReader::with_capacity(1 << 16, file).bytes(), size))
        };
        let ((mut one, left_size), (mut two, right_size)) = (open(left)?, open(right)?);
        let (mut offset, mut first, mut count) = (0_u64, None, 0_u64);
        loop {
            let pair = (one.next().transpose(), two.next().transpose());
            let (a, b) = (
                pair.0.context("cannot read")?,
                pair.1.context("cannot read")?,
            );
            if a.is_none() && b.is_none() {
                break;
            }
            if a != b {
                first.get_or_insert(offset);
                count += 1;
            }
            offset += 1;
        }
        Ok(first.map(|first| Self {
            first,
            count,
            sizes: (left_size, right_size),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn differences(name: &str, left: &[u8], right: &[u8]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        for (folder, bytes) in [(&one, left), (&two, right)] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(name), bytes).unwrap();
        }
        compare(&one.join(name), &two.join(name)).unwrap()
    }

    #[test]
    fn equal_files_have_no_differences() {
        assert!(differences("bzImage", b"abc", b"abc").is_empty());
    }

    #[test]
    fn place_and_number_of_differing_bytes() {
        assert_eq!(
            differences("bzImage", b"abcdef", b"abXdeY"),
            ["2 bytes differ, the first at offset 0x2; 6 bytes committed, 6 rebuilt"]
        );
        assert_eq!(
            differences("bzImage", b"abc", b"abcde"),
            ["2 bytes differ, the first at offset 0x3; 3 bytes committed, 5 rebuilt"]
        );
    }

    #[test]
    fn configurations_are_compared_by_option() {
        let found = differences(
            "config",
            b"CONFIG_GCC_VERSION=120200\n",
            b"CONFIG_GCC_VERSION=130200\n",
        );
        assert_eq!(found[1], "GCC_VERSION: 120200 became 130200");
    }

    #[test]
    fn a_file_that_is_missing_is_a_difference() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        fs::write(&file, b"x").unwrap();
        assert_eq!(
            compare(&folder.path().join("no"), &file).unwrap(),
            ["it is not in the repository"]
        );
        assert_eq!(
            compare(&file, &folder.path().join("no")).unwrap(),
            ["the recipe did not make it"]
        );
    }
}
