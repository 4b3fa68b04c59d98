//! Templates: a document with roles and their fields, for tasks that are sent again and again.
//!
//! ```text
//! templates/STEM.json   names, message, roles
//! templates/STEM.pdf    the document
//! ```
//!
//! STEM is the beginning of the name's SHA-256, so that every name is a file's name.

use crate::draft::{Draft, Person, Place};
use crate::home::Home;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The most characters of a template's name.
const NAME_MAX: usize = 100;

/// A template, without its document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// The document's name for people.
    pub file_name: String,
    /// The sender's words.
    pub message: String,
    /// Whether the signers sign in their order.
    pub in_order: bool,
    /// Who signs.
    pub roles: Vec<Role>,
}

/// A role, such as "Landlord", which a person has in a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// Its name.
    pub role: String,
    /// The fields of whoever has it.
    pub fields: Vec<Place>,
}

fn stem(name: &str) -> String {
    let mut stem = hex::encode(Sha256::digest(name));
    stem.truncate(32);
    stem
}

impl Template {
    fn check(&self) -> Result<()> {
        let name = &self.name;
        let characters = name.chars().count();
        ensure!(
            (1..=NAME_MAX).contains(&characters) && !name.chars().any(char::is_control),
            "{name:?}: a template's name has 1 to {NAME_MAX} characters, and no control characters"
        );
        Ok(())
    }

    /// The draft of a task: the roles' fields, in their order, for these people.
    ///
    /// # Errors
    /// When there are more or fewer people than roles.
    pub fn draft(&self, pdf: Vec<u8>, mut people: Vec<Person>, days: u32) -> Result<Draft> {
        let roles: Vec<&str> = self.roles.iter().map(|role| role.role.as_str()).collect();
        ensure!(
            people.len() == roles.len(),
            "template {:?} has {} roles ({}); name as many signers, in this order",
            self.name,
            roles.len(),
            roles.join(", ")
        );
        for (person, role) in people.iter_mut().zip(&self.roles) {
            person.fields.clone_from(&role.fields);
        }
        Ok(Draft {
            pdf,
            file_name: self.file_name.clone(),
            message: self.message.clone(),
            in_order: self.in_order,
            days,
            notify: None,
            password: None,
            people,
        })
    }
}

impl Home {
    /// Keeps a template, in the place of one with the same name.
    ///
    /// # Errors
    /// When its name is none, or a file cannot be written.
    pub fn keep_template(&self, template: &Template, pdf: &[u8]) -> Result<()> {
        template.check()?;
        self.make("templates")?;
        let stem = stem(&template.name);
        // The document first: a template that is listed has one.
        self.write(&format!("templates/{stem}.pdf"), pdf)?;
        let text = serde_json::to_vec_pretty(template)?;
        self.write(&format!("templates/{stem}.json"), &text)
    }

    /// All templates, by name.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn templates(&self) -> Result<Vec<Template>> {
        let mut found = Vec::new();
        for stem in self.stems("templates")? {
            let name = format!("templates/{stem}.json");
            let template: Template = serde_json::from_slice(&self.read(&name)?)
                .with_context(|| format!("{}", self.path().join(&name).display()))?;
            found.push(template);
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// A template with its document.
    ///
    /// # Errors
    /// When there is none of this name, or a file cannot be read.
    pub fn template(&self, name: &str) -> Result<(Template, Vec<u8>)> {
        let stem = self.template_stem(name)?;
        let template = serde_json::from_slice(&self.read(&format!("templates/{stem}.json"))?)
            .with_context(|| format!("template {name:?}"))?;
        let pdf = self.read(&format!("templates/{stem}.pdf"))?;
        Ok((template, pdf.to_vec()))
    }

    /// Removes a template.
    ///
    /// # Errors
    /// When there is none of this name, or its files cannot be removed.
    pub fn remove_template(&self, name: &str) -> Result<()> {
        let stem = self.template_stem(name)?;
        // In the opposite order of keeping it.
        self.remove(&format!("templates/{stem}.json"))?;
        self.remove(&format!("templates/{stem}.pdf"))
    }

    /// The stem of a template that exists.
    fn template_stem(&self, name: &str) -> Result<String> {
        let stem = stem(name);
        if !self.path().join(format!("templates/{stem}.json")).exists() {
            bail!("there is no template {name:?}; `letsesign template list` shows them");
        }
        Ok(stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Kind;

    fn template(name: &str) -> Template {
        Template {
            name: name.into(),
            file_name: "lease.pdf".into(),
            message: String::new(),
            in_order: true,
            roles: vec![Role {
                role: "Tenant".into(),
                fields: vec![Place {
                    kind: Kind::Signature,
                    page: 1,
                    x: 1.5,
                    y: 2.0,
                    height: 40.0,
                }],
            }],
        }
    }

    fn person() -> Person {
        Person {
            name: "Ada".into(),
            email: "ada@example.com".into(),
            phone: None,
            locale: "en-US".into(),
            fields: Vec::new(),
        }
    }

    #[test]
    fn templates_are_kept_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        assert_eq!(home.templates().unwrap(), []);
        for name in ["b", "../../a", "\u{738b}"] {
            home.keep_template(&template(name), b"first").unwrap();
        }
        home.keep_template(&template("b"), b"second").unwrap();
        let names: Vec<String> = home
            .templates()
            .unwrap()
            .into_iter()
            .map(|one| one.name)
            .collect();
        assert_eq!(names, ["../../a", "b", "\u{738b}"]);
        assert_eq!(
            home.template("b").unwrap(),
            (template("b"), b"second".to_vec())
        );
        home.remove_template("b").unwrap();
        let error = home.template("b").unwrap_err().to_string();
        assert!(error.contains("there is no template \"b\""), "{error}");
        assert!(home.remove_template("b").is_err());
        for wrong in [String::new(), "a\nb".into(), "a".repeat(101)] {
            assert!(
                home.keep_template(&template(&wrong), b"").is_err(),
                "{wrong:?}"
            );
        }
        let files = std::fs::read_dir(folder.path().join("templates")).unwrap();
        assert_eq!(files.count(), 4);
    }

    #[test]
    fn people_get_the_fields_of_their_roles() {
        let lease = template("Lease");
        let draft = lease.draft(b"%PDF".to_vec(), vec![person()], 14).unwrap();
        assert_eq!(draft.people[0].fields, lease.roles[0].fields);
        assert_eq!((draft.file_name.as_str(), draft.days), ("lease.pdf", 14));
        let error = lease.draft(Vec::new(), vec![person(), person()], 14);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("has 1 roles (Tenant)"), "{error}");
    }
}
