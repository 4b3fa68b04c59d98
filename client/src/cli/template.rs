//! Templates.

use super::args::TemplateCommand;
use super::send::{name_of, read};
use super::{done, print, print_json};
use anyhow::{Context, Result, ensure};
use letsesign_client::{Home, Role, Template, document_pages, parse_place};
use letsesign_escape as escape;
use std::fmt::Write as _;

pub(super) fn run(home: &Home, command: TemplateCommand, json: bool) -> Result<()> {
    match command {
        TemplateCommand::Add {
            name,
            pdf,
            roles,
            fields,
            message,
            in_order,
        } => {
            let bytes = read(&pdf)?;
            let template = Template {
                name,
                file_name: name_of(&pdf)?,
                message,
                in_order,
                roles: with_fields(&roles, &fields, document_pages(&bytes)?.len())?,
            };
            home.keep_template(&template, &bytes)?;
            done(json, "the template is kept")
        }
        TemplateCommand::List => list(&home.templates()?, json),
        TemplateCommand::Remove { name } => {
            home.remove_template(&name)?;
            done(json, "the template is removed")
        }
    }
}

fn with_fields(names: &[String], fields: &[String], pages: usize) -> Result<Vec<Role>> {
    let mut roles: Vec<Role> = Vec::new();
    for name in names {
        let is_new = roles.iter().all(|role| role.role != *name);
        ensure!(is_new, "--role {name:?} is there twice");
        roles.push(Role {
            role: name.clone(),
            fields: Vec::new(),
        });
    }
    for text in fields {
        let (name, place) = text
            .rsplit_once(':')
            .with_context(|| format!("--field {text:?}: must be ROLE:TYPE@PAGE,X,Y[,HEIGHT]"))?;
        let place = parse_place(place).context("--field")?;
        let exists = (1..=pages).contains(&(place.page as usize));
        ensure!(exists, "--field {text:?}: the document has {pages} pages");
        let role = roles.iter_mut().find(|role| role.role == name);
        let role = role.with_context(|| format!("--field {text:?}: there is no role {name:?}"))?;
        role.fields.push(place);
    }
    Ok(roles)
}

fn list(templates: &[Template], json: bool) -> Result<()> {
    if json {
        return print_json(&templates);
    }
    let mut text = String::new();
    for template in templates {
        let roles: Vec<&str> = template
            .roles
            .iter()
            .map(|role| role.role.as_str())
            .collect();
        let (name, file) = (&template.name, &template.file_name);
        let _ = writeln!(text, "{name}  {file}  ({})", roles.join(", "));
    }
    print(escape::lines(&text))
}
