//! `POST /opportunities` as multipart: the fields of the JSON body in parts, and files beside them.
//!
//! Lists carry `[]`, nested fields `field[sub]`. Lever: "Create an opportunity".

use serde_json::{Value, json};

use super::files::named;
use crate::answer::Refusal;
use crate::asked::Part;
use crate::call::bad_field;
use crate::world::{Contact, Document, Phone, Resume, World, readable};

const LISTS: [&str; 6] = [
    "emails",
    "links",
    "tags",
    "sources",
    "followers",
    "postings",
];

/// A multipart body, read.
pub(crate) struct Form<'a> {
    /// The fields, in the shape of the JSON body.
    pub(crate) fields: Value,
    pub(crate) resume: Option<&'a Part>,
    pub(crate) files: Vec<&'a Part>,
}

impl<'a> Form<'a> {
    pub(crate) fn read(parts: &'a [Part]) -> Result<Form<'a>, Refusal> {
        let mut form = Form {
            fields: json!({}),
            resume: None,
            files: Vec::new(),
        };
        for part in parts {
            match part.file_name {
                Some(_) => form.add_file(part)?,
                None => form.add_field(part)?,
            }
        }
        Ok(form)
    }

    /// One resume at most; the others under `files` or `files[]`.
    fn add_file(&mut self, part: &'a Part) -> Result<(), Refusal> {
        named(part)?;
        match part.name.as_str() {
            "resumeFile" if self.resume.is_none() => self.resume = Some(part),
            "files" | "files[]" => self.files.push(part),
            name => return Err(Refusal::bad_request(format!("Unexpected file: {name}"))),
        }
        Ok(())
    }

    fn add_field(&mut self, part: &Part) -> Result<(), Refusal> {
        let name = part.name.as_str();
        let text = std::str::from_utf8(&part.bytes).map_err(|_| bad_field(name))?;
        match name.strip_suffix("[]") {
            Some("phones") => {
                let phone = serde_json::from_str(text).map_err(|_| bad_field(name))?;
                self.push("phones", phone);
            }
            Some(list) if LISTS.contains(&list) => self.push(list, json!(text)),
            _ => self.set(name, text)?,
        }
        Ok(())
    }

    fn push(&mut self, list: &str, value: Value) {
        match self.fields[list].as_array_mut() {
            Some(list) => list.push(value),
            None => self.fields[list] = json!([value]),
        }
    }

    fn set(&mut self, name: &str, text: &str) -> Result<(), Refusal> {
        let number = || text.parse::<i64>().map_err(|_| bad_field(name));
        match name {
            "archived[reason]" => self.archived("reason", json!(text)),
            "archived[archivedAt]" => self.archived("archivedAt", json!(number()?)),
            "createdAt" => self.fields[name] = json!(number()?),
            _ => self.fields[name] = json!(text),
        }
        Ok(())
    }

    fn archived(&mut self, key: &str, value: Value) {
        self.fields["archived"][key] = value;
    }

    /// Hangs the files on the new opportunity.
    pub(crate) fn attach(&self, world: &mut World, id: &str, by: &str, now: i64) {
        if let Some(document) = self.resume.and_then(|part| document(world, part, now)) {
            let parsed = self.resume.map(Details::of).unwrap_or_default().parsed();
            let resume = Resume {
                id: world.new_id(),
                created_at: now,
                file: Some(document),
                parsed,
            };
            world.add_resume(id, resume, Some(by.to_owned()));
        }
        for part in &self.files {
            if let Some(document) = document(world, part, now) {
                world.add_file(id, document, Some(by.to_owned()), now);
            }
        }
    }
}

fn document(world: &mut World, part: &Part, now: i64) -> Option<Document> {
    let (name, ext) = named(part).ok()?;
    Some(Document::given(
        world.new_id(),
        name,
        ext,
        part.bytes.clone(),
        now,
    ))
}

/// What a resume says about a person.
///
/// Lever reads prose; the simulator reads lines such as `Email: ada@example.com`, in files of a readable format.
#[derive(Default)]
pub(crate) struct Details {
    lines: Vec<(String, String)>,
}

impl Details {
    pub(crate) fn of(resume: &Part) -> Details {
        let read = named(resume).is_ok_and(|(_, ext)| readable(ext));
        if !read {
            return Details::default();
        }
        let text = String::from_utf8_lossy(&resume.bytes);
        let line = |line: &str| {
            let (label, value) = line.split_once(':')?;
            let value = value.trim();
            (!value.is_empty()).then(|| (label.trim().to_lowercase(), value.to_owned()))
        };
        Details {
            lines: text.lines().filter_map(line).collect(),
        }
    }

    fn all(&self, label: &str) -> Vec<String> {
        let lines = self.lines.iter().filter(|(known, _)| known == label);
        lines.map(|(_, value)| value.clone()).collect()
    }

    fn first(&self, label: &str) -> String {
        self.all(label).into_iter().next().unwrap_or_default()
    }

    /// Fills in what the request did not give. Lever: "Create an opportunity", `parse`.
    pub(crate) fn complete(&self, person: &mut Contact) {
        let fill = |field: &mut String, label: &str| {
            if field.is_empty() {
                *field = self.first(label);
            }
        };
        fill(&mut person.name, "name");
        fill(&mut person.headline, "headline");
        fill(&mut person.headline, "company");
        fill(&mut person.location, "location");
        if person.emails.is_empty() {
            person.emails = self.all("email");
        }
        if person.links.is_empty() {
            person.links = self.all("link");
        }
        if person.phones.is_empty() {
            let phone = |value| Phone { kind: None, value };
            person.phones = self.all("phone").into_iter().map(phone).collect();
        }
    }

    /// The attribute `parsedData` of the resume.
    fn parsed(&self) -> Value {
        let position = |org: String| json!({ "org": org, "title": null, "summary": null, "location": null, "start": null, "end": null });
        let positions: Vec<Value> = self.all("company").into_iter().map(position).collect();
        json!({ "positions": positions, "schools": [] })
    }
}
