//! Templates in minijinja: text with `{{ title }}`, `{% if scope %}`, `{% for one in doing %}` and filters. A template
//! sees the facts and nothing else: no files, no other templates, no functions; work and memory are bounded.

use std::collections::BTreeMap;
use std::fmt;

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::facts::{Facts, VARIABLES};
use crate::domain::{SafeText, nearest};

/// Longest text of an update.
pub const MOST_BYTES: usize = 16 * 1024;
/// Steps a template may take; also bounds its memory, at some 64 bytes a step.
const FUEL: u64 = 50_000;
/// Longest template.
const MOST_SOURCE: usize = 16 * 1024;

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What, and what to write instead.
    pub what: SafeText,
}

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

/// What is wrong with a template, without filling it: syntax, and every variable that does not exist, also in
/// branches that are not taken today.
pub fn check(source: &str) -> Vec<TemplateFault> {
    if source.len() > MOST_SOURCE {
        return vec![fault(source, None, "the template is longer than 16 KiB")];
    }
    let env = environment();
    let template = match env.template_from_str(source) {
        Ok(template) => template,
        Err(error) => return vec![of(source, &error)],
    };
    let known = |name: &str| VARIABLES.iter().any(|(variable, _)| *variable == name);
    let unknown = template.undeclared_variables(false).into_iter().filter(|name| !known(name));
    let mut faults: Vec<TemplateFault> =
        unknown.map(|name| fault(source, place_of(source, &name), &no_variable(&name))).collect();
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults
}

/// Fills a template with facts.
///
/// # Errors
/// Everything [`check`] finds, and what goes wrong while filling.
pub fn render(source: &str, facts: &Facts) -> Result<SafeText, Vec<TemplateFault>> {
    let faults = check(source);
    if !faults.is_empty() {
        return Err(faults);
    }
    let wrong = |error: &Error| vec![of(source, error)];
    let env = environment();
    let template = env.template_from_str(source).map_err(|error| wrong(&error))?;
    let text = template.render(values(facts)).map_err(|error| wrong(&error))?;
    if text.len() > MOST_BYTES {
        return Err(vec![fault(source, None, "the text would be longer than 16 KiB")]);
    }
    Ok(SafeText::body(&tidy(&text)))
}

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    // Nothing but filters and tests; the text goes to people, not into a page.
    for function in ["range", "dict", "namespace", "debug"] {
        env.remove_global(function);
    }
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(50);
    // Errors know their place only so.
    env.set_debug(true);
    env
}

fn values(facts: &Facts) -> Value {
    let text = |text: &SafeText| Value::from(text.as_str());
    let list = |list: &[SafeText]| list.iter().map(|one| one.as_str()).collect::<Value>();
    let all: BTreeMap<&str, Value> = [
        ("id", text(&facts.id)),
        ("title", text(&facts.title)),
        ("severity", text(&facts.severity)),
        ("status", Value::from(facts.status.map_or("", |status| status.name()))),
        ("impact", text(&facts.impact)),
        ("scope", text(&facts.scope)),
        ("services", list(&facts.services)),
        ("started", text(&facts.started)),
        ("duration", text(&facts.duration)),
        ("commander", text(&facts.commander)),
        ("burn", list(&facts.burn)),
        ("next", text(&facts.next)),
        ("doing", list(&facts.doing)),
        ("changed", list(&facts.changed)),
        ("last", text(&facts.last)),
        ("number", Value::from(facts.number)),
        ("tickets", list(&facts.tickets)),
        ("now", text(&facts.now)),
    ]
    .into();
    Value::from(all)
}

/// Facts that are not known leave holes; no more than one empty line stays.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

fn of(source: &str, error: &Error) -> TemplateFault {
    let at = error.range().map(|range| range.start).or_else(|| line_start(source, error.line()?));
    let named = error.range().and_then(|range| source.get(range)).unwrap_or("").trim();
    let what = match error.kind() {
        ErrorKind::OutOfFuel => {
            "the template makes too much text or takes too many steps".to_owned()
        }
        ErrorKind::UndefinedError if is_name(named) => no_variable(named),
        ErrorKind::UnknownFunction => {
            format!("{}; a template can only use filters and tests", detail(error))
        }
        _ => detail(error),
    };
    fault(source, at, &what)
}

fn detail(error: &Error) -> String {
    let kind = error.kind().to_string();
    match error.detail() {
        Some(detail) => format!("{kind}: {detail}"),
        None => kind,
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn no_variable(name: &str) -> String {
    match nearest(name, VARIABLES.iter().map(|(variable, _)| *variable)) {
        Some(near) => format!("there is no `{name}`; did you mean `{near}`?"),
        None => {
            let all: Vec<&str> = VARIABLES.iter().map(|(variable, _)| *variable).collect();
            format!("there is no `{name}`; there are {}", all.join(", "))
        }
    }
}

/// Where a name first stands within a tag.
fn place_of(source: &str, name: &str) -> Option<usize> {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut opens = source.match_indices("{{").chain(source.match_indices("{%"));
    let mut starts: Vec<usize> = opens.by_ref().map(|(at, _)| at).collect();
    starts.sort_unstable();
    starts.into_iter().find_map(|start| {
        let tag = source.get(start..)?;
        let end = tag.find("}}").into_iter().chain(tag.find("%}")).min().unwrap_or(tag.len());
        let tag = tag.get(..end)?;
        let whole = |at: &usize| {
            let (before, after) = (tag.get(..*at), tag.get(at + name.len()..));
            !word(before.and_then(|t| t.chars().next_back()))
                && !word(after.and_then(|t| t.chars().next()))
        };
        Some(start + tag.match_indices(name).map(|(at, _)| at).find(whole)?)
    })
}

fn line_start(source: &str, line: usize) -> Option<usize> {
    let starts = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1));
    starts.take(line.max(1)).last()
}

fn fault(source: &str, at: Option<usize>, what: &str) -> TemplateFault {
    let before = at.and_then(|at| source.get(..at)).unwrap_or("");
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let line = before.matches('\n').count() + 1;
    TemplateFault { line, column, what: SafeText::new(what) }
}
