//! A key policy in the IAM policy language (IAM User Guide, "Grammar of the IAM JSON policy
//! language").

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// A parsed key policy.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) statements: Vec<Statement>,
}

/// One statement of the policy.
#[derive(Debug)]
pub(crate) struct Statement {
    /// The Sid, or the statement's number.
    pub(crate) name: String,
    pub(crate) allow: bool,
    pub(crate) principals: Principals,
    /// Patterns of actions, and whether they are the excluded ones (NotAction).
    pub(crate) actions: Vec<String>,
    pub(crate) not_action: bool,
    /// Whether the statement covers every resource.
    pub(crate) every_resource: bool,
    pub(crate) conditions: Vec<Condition>,
}

/// The principals of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Principals {
    Everybody,
    /// Everyone except the named (NotPrincipal).
    AllBut,
    Named(Vec<String>),
}

/// One operator with one key and its values.
#[derive(Debug)]
pub(crate) struct Condition {
    /// The operator as written.
    pub(crate) operator: String,
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

impl Policy {
    /// Reads a policy, or `{"Policy": "..."}`, the form in which the AWS command line prints one.
    pub(crate) fn parse(text: &[u8]) -> Result<Self> {
        strict_json::check(text, strict_json::Limits::default())?;
        let value: Value = serde_json::from_slice(text)?;
        if let Some(Value::String(inner)) = value.get("Policy") {
            return Self::parse(inner.as_bytes()).context("in its member Policy");
        }
        let policy = object(&value, "the policy")?;
        known(policy, &["Version", "Id", "Statement"], "the policy")?;
        let list = match policy.get("Statement") {
            Some(Value::Array(list)) => list.iter().collect(),
            Some(statement @ Value::Object(_)) => vec![statement],
            _ => bail!("it has no list Statement"),
        };
        let statements = (1..)
            .zip(list)
            .map(|(number, value)| {
                statement(number, value).with_context(|| format!("statement {number}"))
            })
            .collect::<Result<_>>()?;
        Ok(Self { statements })
    }
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>> {
    value
        .as_object()
        .with_context(|| format!("{what} is not an object"))
}

/// Refuses unknown members: KMS refuses a misspelt one, or reads the statement without it.
fn known(members: &Map<String, Value>, names: &[&str], what: &str) -> Result<()> {
    match members.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => bail!("{what} has an unknown member {name:?}"),
        None => Ok(()),
    }
}

fn texts(value: &Value, what: &str) -> Result<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => bail!("{what} is neither a text nor a list of texts"),
    };
    match value {
        Value::Array(list) => list.iter().map(text).collect(),
        other => Ok(vec![text(other)?]),
    }
}

fn statement(number: usize, value: &Value) -> Result<Statement> {
    let members = object(value, "it")?;
    let names = [
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    known(members, &names, "it")?;
    let allow = match members.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => bail!("Effect is neither Allow nor Deny"),
    };
    let principals = match (members.get("Principal"), members.get("NotPrincipal")) {
        (Some(value), None) => principals(value)?,
        (None, Some(_)) => Principals::AllBut,
        _ => bail!("it needs either Principal or NotPrincipal"),
    };
    let (actions, not_action) = match (members.get("Action"), members.get("NotAction")) {
        (Some(value), None) => (texts(value, "Action")?, false),
        (None, Some(value)) => (texts(value, "NotAction")?, true),
        _ => bail!("it needs either Action or NotAction"),
    };
    // NotResource may exclude this key, so it does not count as covering every resource.
    let every_resource = match (members.get("Resource"), members.get("NotResource")) {
        (Some(value), None) => texts(value, "Resource")?.iter().any(|text| text == "*"),
        _ => false,
    };
    let mut conditions = Vec::new();
    if let Some(value) = members.get("Condition") {
        for (operator, keys) in object(value, "Condition")? {
            for (key, values) in object(keys, operator)? {
                conditions.push(Condition {
                    operator: operator.clone(),
                    key: key.clone(),
                    values: texts(values, key)?,
                });
            }
        }
    }
    Ok(Statement {
        name: match members.get("Sid").and_then(Value::as_str) {
            Some(sid) => format!("{sid} (statement {number})"),
            None => format!("statement {number}"),
        },
        allow,
        principals,
        actions,
        not_action,
        every_resource,
        conditions,
    })
}

fn principals(value: &Value) -> Result<Principals> {
    if value.as_str() == Some("*") {
        return Ok(Principals::Everybody);
    }
    let mut named = Vec::new();
    for (kind, list) in object(value, "Principal")? {
        for text in texts(list, "Principal")? {
            if kind == "AWS" && text == "*" {
                return Ok(Principals::Everybody);
            }
            named.push(text);
        }
    }
    Ok(Principals::Named(named))
}

impl Statement {
    /// Whether the statement covers an action, such as `kms:Decrypt`. Names match without case,
    /// with `*` and `?` as wildcards.
    pub(crate) fn covers(&self, action: &str) -> bool {
        let matched = self.actions.iter().any(|pattern| {
            wildcard(
                pattern.to_ascii_lowercase().as_bytes(),
                action.to_ascii_lowercase().as_bytes(),
            )
        });
        matched != self.not_action
    }
}

/// Whether a pattern with `*` and `?` matches a whole text.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || text.get(t) == Some(byte) => {
                p += 1;
                t += 1;
            }
            _ => {
                // Backtrack: let the last star consume one more character.
                let Some((at, taken)) = star else {
                    return false;
                };
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}
