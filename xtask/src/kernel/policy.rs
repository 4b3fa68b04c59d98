//! The rules for the kernel's resolved configuration, and the check against them.

use super::configuration::{Configuration, Value};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// `reproducers/kernel/check.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) budget: Budget,
    /// The build banner that the bzImage's header must have: version, builder, time.
    pub(super) banner: String,
    pub(super) forbidden: Vec<Forbidden>,
}

/// The largest numbers of built-in options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    /// Without the symbols that only describe architecture and compiler and build nothing
    /// (`is_capability`).
    pub(super) options: usize,
    /// Every line that ends in `=y`.
    pub(super) total: usize,
}

/// An option that must be off.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forbidden {
    /// Name without `CONFIG_`.
    pub(super) option: String,
    pub(super) reason: String,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    /// Built-in options, counted as the budget counts them.
    pub(super) built_in: Budget,
    pub(super) budget: Budget,
    /// One sentence each; empty when all is well.
    pub(super) problems: Vec<String>,
}

impl Policy {
    /// Reads the rules.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is malformed", path.display()))
    }

    /// Compares a resolved configuration with what was asked for (`fragment`) and with the rules.
    pub(super) fn check(&self, fragment: &Configuration, resolved: &Configuration) -> Report {
        let mut problems = Vec::new();
        for (name, wanted) in fragment.iter() {
            // Kconfig drops an option with an unmet dependency, or an unknown name, without a word.
            let found = resolved.get(name);
            if found != wanted {
                problems.push(format!(
                    "{name} was asked for as {wanted} and resolved to {found}: a dependency is missing or the option has \
                     another name in this kernel"
                ));
            }
        }
        for rule in &self.forbidden {
            let found = resolved.get(&rule.option);
            if found != &Value::Off {
                problems.push(format!(
                    "{} is {found}, but must be off: {}",
                    rule.option, rule.reason
                ));
            }
            if fragment.get(&rule.option) != &Value::Off {
                problems.push(format!("{} is both asked for and forbidden", rule.option));
            }
        }
        for (name, _) in resolved
            .iter()
            .filter(|(_, value)| **value == Value::Module)
        {
            problems.push(format!("{name} is a module; the enclave loads none"));
        }
        let built_in: Vec<&str> = resolved
            .iter()
            .filter(|(_, value)| **value == Value::BuiltIn)
            .map(|(name, _)| name)
            .collect();
        let counted = Budget {
            options: built_in.iter().filter(|name| !is_capability(name)).count(),
            total: built_in.len(),
        };
        for (what, count, limit) in [
            ("built-in options", counted.options, self.budget.options),
            ("lines ending in =y", counted.total, self.budget.total),
        ] {
            if count > limit {
                problems.push(format!("{count} {what} exceed the budget of {limit}"));
            }
        }
        Report {
            built_in: counted,
            budget: self.budget,
            problems,
        }
    }
}

/// Kconfig symbols that record what architecture, compiler or assembler can do. They have no prompt
/// and build nothing, and their number changes with every release of the kernel.
fn is_capability(name: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "HAVE_", "ARCH_", "CC_", "AS_", "LD_", "GCC", "TOOLS_", "GENERIC_",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.contains("_HAS_")
        || name.ends_with("_SUPPORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        serde_json::from_str(
            r#"{"budget":{"options":3,"total":5},"banner":"","forbidden":[{"option":"MODULES","reason":"unmeasured code"}]}"#,
        )
        .unwrap()
    }

    fn problems(fragment: &str, resolved: &str) -> Vec<String> {
        let parse = |text| Configuration::parse(text).unwrap();
        policy().check(&parse(fragment), &parse(resolved)).problems
    }

    #[test]
    fn a_good_configuration_passes() {
        assert!(
            problems(
                "CONFIG_NSM=y\n# CONFIG_VT is not set\n",
                "CONFIG_NSM=y\nCONFIG_HAVE_X=y\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn an_option_that_did_not_resolve() {
        let found = problems("CONFIG_NSM=y\nCONFIG_NR_CPUS=128\n", "CONFIG_NR_CPUS=64\n");
        assert_eq!(found.len(), 2);
        assert!(
            found
                .iter()
                .any(|problem| problem.starts_with("NSM was asked for as y and resolved to n"))
        );
        assert!(
            found
                .iter()
                .any(|problem| problem
                    .starts_with("NR_CPUS was asked for as 128 and resolved to 64"))
        );
    }

    #[test]
    fn a_forbidden_option() {
        let found = problems("", "CONFIG_MODULES=y\n");
        assert_eq!(found, ["MODULES is y, but must be off: unmeasured code"]);
    }

    #[test]
    fn an_option_cannot_be_asked_for_and_forbidden() {
        let found = problems("CONFIG_MODULES=y\n", "# CONFIG_MODULES is not set\n");
        assert!(
            found
                .iter()
                .any(|problem| problem.contains("both asked for and forbidden")),
            "{found:?}"
        );
    }

    #[test]
    fn any_module() {
        assert_eq!(
            problems("", "CONFIG_X=m\n"),
            ["X is a module; the enclave loads none"]
        );
    }

    #[test]
    fn the_two_budgets() {
        let many = "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\nCONFIG_D=y\n";
        assert_eq!(
            problems("", many),
            ["4 built-in options exceed the budget of 3"]
        );
        let capable = "CONFIG_HAVE_A=y\nCONFIG_ARCH_B=y\nCONFIG_CC_HAS_C=y\nCONFIG_GENERIC_D=y\nCONFIG_X86_HAS_E=y\nCONFIG_AS_F=y\n";
        assert_eq!(
            problems("", capable),
            ["6 lines ending in =y exceed the budget of 5"]
        );
    }
}
