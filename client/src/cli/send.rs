//! Sends documents.

use super::args::{BulkArgs, SendArgs, Terms};
use super::{busy, print, print_json};
use anyhow::{Context, Result, bail, ensure};
use letsesign_client::{
    Draft, Home, Person, Place, Sender, parse_field, parse_person, parse_place,
};
use letsesign_escape as escape;
use letsesign_protocol2::SecretText;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn name_of(pdf: &Path) -> Result<String> {
    let name = pdf.file_name().and_then(|name| name.to_str());
    let name = name.context("the file's name is not UTF-8; give one by --name")?;
    Ok(name.to_owned())
}

pub(super) fn read(pdf: &Path) -> Result<Vec<u8>> {
    fs::read(pdf).with_context(|| format!("cannot read {}", pdf.display()))
}

fn password(terms: &Terms) -> Result<Option<SecretText>> {
    if !terms.password {
        return Ok(None);
    }
    let value = std::env::var("LETSESIGN_PASSWORD").ok();
    let value = value.filter(|value| !value.is_empty());
    let value = value.context("LETSESIGN_PASSWORD is not set: passwords come from there")?;
    Ok(Some(SecretText::new(value)))
}

fn notify(terms: &Terms) -> Option<(String, String)> {
    let email = terms.notify.as_ref()?;
    Some((email.clone(), "en-US".to_owned()))
}

fn draft(pdf: &Path, terms: &Terms, people: Vec<Person>) -> Result<Draft> {
    let bytes = read(pdf)?;
    let file_name = match &terms.name {
        Some(name) => name.clone(),
        None => name_of(pdf)?,
    };
    Ok(Draft {
        pdf: bytes,
        file_name,
        message: terms.message.clone(),
        in_order: terms.in_order,
        days: terms.expires,
        notify: notify(terms),
        password: password(terms)?,
        people,
    })
}

/// The draft of a template, with the terms that the command line gives.
fn of_template(home: &Home, name: &str, terms: &Terms, people: Vec<Person>) -> Result<Draft> {
    let (template, pdf) = home.template(name)?;
    let mut draft = template.draft(pdf, people, terms.expires)?;
    if let Some(name) = &terms.name {
        draft.file_name.clone_from(name);
    }
    if !terms.message.is_empty() {
        draft.message.clone_from(&terms.message);
    }
    draft.in_order |= terms.in_order;
    draft.notify = notify(terms);
    draft.password = password(terms)?;
    Ok(draft)
}

fn reminders(terms: &Terms) -> Result<Option<(u32, u32)>> {
    let Some(days) = terms.remind else {
        return Ok(None);
    };
    ensure!((1..=365).contains(&days), "--remind: must be 1 to 365 days");
    Ok(Some((days * 24, (terms.expires / days).clamp(1, 30))))
}

/// The values of `ADDRESS=VALUE` by address; each address must be a signer's.
fn by_address(
    option: &str,
    pairs: &[String],
    people: &mut [Person],
    set: impl Fn(&mut Person, &str),
) -> Result<()> {
    for pair in pairs {
        let (email, value) = pair
            .split_once('=')
            .with_context(|| format!("{option} {pair:?}: must be ADDRESS=VALUE"))?;
        let mut found = people
            .iter_mut()
            .filter(|one| one.email.eq_ignore_ascii_case(email));
        let person = found
            .next()
            .with_context(|| format!("{option}: {email} does not sign"))?;
        set(person, value);
    }
    Ok(())
}

pub(super) fn send(sender: &Sender, arguments: &SendArgs, json: bool) -> Result<()> {
    let mut people = Vec::new();
    for text in &arguments.signers {
        let (name, email) = parse_person(text).context("--signer")?;
        people.push(Person {
            name,
            email,
            phone: None,
            locale: "en-US".to_owned(),
            fields: Vec::new(),
        });
    }
    for text in &arguments.fields {
        let (email, place) = parse_field(text).context("--field")?;
        let mut found = people
            .iter_mut()
            .filter(|one| one.email.eq_ignore_ascii_case(&email));
        let person = found
            .next()
            .with_context(|| format!("--field: {email} does not sign"))?;
        person.fields.push(place);
    }
    by_address(
        "--phone",
        &arguments.phones,
        &mut people,
        |person, phone| {
            person.phone = Some(phone.to_owned());
        },
    )?;
    by_address(
        "--locale",
        &arguments.locales,
        &mut people,
        |person, locale| {
            locale.clone_into(&mut person.locale);
        },
    )?;
    let terms = &arguments.terms;
    let draft = match (&arguments.template, &arguments.pdf) {
        (Some(name), _) => of_template(&sender.home, name, terms, people)?,
        (None, Some(pdf)) => draft(pdf, terms, people)?,
        (None, None) => bail!("name a PDF, or a template by --template"),
    };
    let reminders = reminders(&arguments.terms)?;
    let bar = busy("checking, sealing and sending");
    if arguments.check {
        draft.check()?;
        sender.check_releases()?;
        bar.finish_and_clear();
        return super::done(json, "it can be sent");
    }
    let record = sender.send(&draft, reminders)?;
    bar.finish_and_clear();
    if json {
        return print_json(&json!({"task": record.task, "binding": record.binding.to_string()}));
    }
    print(format!("{}\n", record.task))
}

/// The rows of a CSV file (RFC 4180) by the names in its first row.
fn people(text: &str, fields: &[Place]) -> Result<Vec<Person>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let columns = reader.headers()?.clone();
    let column = |name: &str| {
        columns
            .iter()
            .position(|column| column.eq_ignore_ascii_case(name))
    };
    let email = column("email").context("there is no column `email`")?;
    let (name, phone, locale) = (column("name"), column("phone"), column("locale"));
    let mut people: Vec<Person> = Vec::new();
    for (row, number) in reader.records().zip(2..) {
        let row = row.with_context(|| format!("row {number}"))?;
        let cell = |at: Option<usize>| {
            let cell = at.and_then(|at| row.get(at));
            cell.filter(|cell| !cell.is_empty()).map(str::to_owned)
        };
        let email =
            cell(Some(email)).with_context(|| format!("row {number}: no e-mail address"))?;
        if people
            .iter()
            .any(|one| one.email.eq_ignore_ascii_case(&email))
        {
            bail!("row {number}: {email} is there twice");
        }
        people.push(Person {
            name: cell(name).unwrap_or_else(|| email.clone()),
            phone: cell(phone),
            locale: cell(locale).unwrap_or_else(|| "en-US".to_owned()),
            fields: fields.to_vec(),
            email,
        });
    }
    ensure!(!people.is_empty(), "the file names nobody");
    Ok(people)
}

pub(super) fn bulk(sender: &Sender, arguments: &BulkArgs, json: bool) -> Result<ExitCode> {
    let fields = arguments
        .fields
        .iter()
        .map(|text| parse_place(text).context("--field"));
    let fields = fields.collect::<Result<Vec<_>>>()?;
    let path = &arguments.people;
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let people = people(&text, &fields).with_context(|| format!("{}", path.display()))?;
    let reminders = reminders(&arguments.terms)?;
    let count = people.len();
    let bar = busy("checking everybody");
    // All of them before the first one is sent.
    let mut draft = draft(&arguments.pdf, &arguments.terms, Vec::new())?;
    for person in &people {
        draft.people = vec![person.clone()];
        draft.check().with_context(|| person.email.clone())?;
    }
    let mut rows: Vec<Value> = Vec::new();
    let mut failed = 0;
    for (number, person) in people.into_iter().enumerate() {
        let email = person.email.clone();
        draft.people = vec![person];
        bar.set_message(format!("sending {} of {count}", number + 1));
        match sender.send(&draft, reminders) {
            Ok(record) => rows.push(json!({"email": email, "task": record.task})),
            Err(error) => {
                failed += 1;
                rows.push(json!({"email": email, "error": format!("{error:#}")}));
            }
        }
    }
    bar.finish_and_clear();
    if json {
        print_json(&rows)?;
    } else {
        let mut text = String::new();
        for row in &rows {
            let cell = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
            let end = row.get("task").map_or_else(
                || format!("not sent: {}", cell("error")),
                |_| cell("task").to_owned(),
            );
            let _ = writeln!(text, "{}  {end}", cell("email"));
        }
        print(escape::lines(&text))?;
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::people;

    #[test]
    fn rows_are_people() {
        let text = "\u{feff}Name,Email,Phone\n\"Lovelace, Ada\",ada@example.com,+14155550123\n\
                    ,bob@example.com,\n";
        let read = people(text, &[]).unwrap();
        assert_eq!(read[0].name, "Lovelace, Ada");
        assert_eq!(read[0].phone.as_deref(), Some("+14155550123"));
        assert_eq!(
            (read[1].name.as_str(), &read[1].phone),
            ("bob@example.com", &None)
        );
        for (text, problem) in [
            ("name\nAda\n", "no column `email`"),
            ("email\n", "names nobody"),
            ("email\na@b.de\nA@b.de\n", "row 3: A@b.de is there twice"),
            ("email,name\n,Ada\n", "row 2: no e-mail address"),
            ("email,name\na@b.de\n", "row 2"),
        ] {
            let error = format!("{:#}", people(text, &[]).unwrap_err());
            assert!(error.contains(problem), "{text:?}: {error}");
        }
    }
}
