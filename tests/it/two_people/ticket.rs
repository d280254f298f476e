//! The ticket of the two people's incident, as the tracker's own tools show it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::trackers::redmine::{self, Redmine};
use crate::trackers::roundup::Roundup;

/// Where the incident's ticket is.
pub(super) enum Tickets {
    Roundup(Roundup),
    Redmine(Redmine),
}

/// A ticket as the tracker's own people see it.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    /// How many tickets there are.
    pub(super) tickets: usize,
    pub(super) title: String,
    pub(super) status: String,
    /// The first text, then what was said, oldest first.
    pub(super) texts: Vec<String>,
}

impl Tickets {
    /// As the playbook has it; the password is kept in a file beside it.
    pub(super) fn playbook(&self, secret: &Path) -> String {
        let (kind, base, auth, word) = match self {
            Self::Roundup(roundup) => {
                let auth =
                    format!("basic = {{ user = \"admin\", password = {{ file = {secret:?} }} }}");
                ("roundup", &roundup.base, auth, "adminpw")
            }
            Self::Redmine(redmine) => {
                let auth = format!("token = {{ file = {secret:?} }}");
                ("redmine", &redmine.base, auth, redmine.key("anna"))
            }
        };
        fs::write(secret, word).unwrap();
        fs::set_permissions(secret, PermissionsExt::from_mode(0o600)).unwrap();
        format!(
            "[[tracker]]\nname = \"tickets\"\nkind = \"{kind}\"\nurl = \"{base}\"\nproject = \"inc\"\n\
             interval = \"10s\"\ntimeout = \"30s\"\nauth = {{ {auth} }}\n"
        )
    }

    /// The tracker's words for where the incident is.
    pub(super) const fn words(&self) -> [&'static str; 2] {
        match self {
            Self::Roundup(_) => ["in-progress", "resolved"],
            Self::Redmine(_) => ["In Progress", "Closed"],
        }
    }

    pub(super) fn told(&self) -> anyhow::Result<Told> {
        match self {
            Self::Roundup(roundup) => {
                let get = |what: &str, of: &str| -> anyhow::Result<String> {
                    Ok(roundup.admin(&["get", what, of])?.trim().to_owned())
                };
                let status = format!("status{}", get("status", "issue1")?);
                let texts = roundup.messages("issue1")?.into_iter().map(|id| get("content", &id));
                Ok(Told {
                    tickets: roundup.admin(&["list", "issue"])?.lines().count(),
                    title: get("title", "issue1")?,
                    status: get("name", &status)?,
                    texts: texts.collect::<anyhow::Result<_>>()?,
                })
            }
            Self::Redmine(redmine) => {
                let issue = redmine.read("/issues/1.json?include=journals")?["issue"].clone();
                let all = redmine.read("/issues.json?status_id=*")?;
                let text = |value: &Value| value.as_str().unwrap_or_default().replace("\r\n", "\n");
                let first = text(&issue["description"]);
                let (notes, _) = redmine::story(&issue);
                Ok(Told {
                    tickets: all["total_count"]
                        .as_u64()
                        .and_then(|n| n.try_into().ok())
                        .unwrap_or(0),
                    title: text(&issue["subject"]),
                    status: text(&issue["status"]["name"]),
                    texts: std::iter::once(first).chain(notes).collect(),
                })
            }
        }
    }
}

/// What the ticket begins with, and the update as it stands there.
pub(super) const BODY: &str = "SEV-1 INC, declared by alice.\n\
                    Severity: judged by alice; SEV-3 was proposed\n\
                    Impact: not known yet\nScope: not known yet\n\n\
                    Quarterdeck incident INC";
pub(super) const UPDATE: &str = "external update: checkout declines cards: investigating\n\n\
                      We are investigating a problem with checkout declines cards.\n\n\
                      We will post the next update by ~ UTC.\n\nQuarterdeck ref REF";

/// A text with the incident's number, references and times taken out.
pub(super) fn plain(text: &str, id: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(id, "INC").replace('\u{200b}', "");
    let line = |line: &str| match line.strip_prefix("Quarterdeck ref ") {
        Some(_) => "Quarterdeck ref REF".to_owned(),
        None => {
            let plain = |word: &str| {
                let is_time = word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit());
                if is_time { "~".to_owned() } else { word.to_owned() }
            };
            line.split(' ').map(plain).collect::<Vec<_>>().join(" ")
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
