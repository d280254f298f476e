//! Backstage catalog descriptors: components, resources and systems become services.

use super::catalog::Builder;
use super::error::Mistakes;
use super::node::{Node, Table};
use crate::domain::{Dependency, EdgeOrigin, SafeText, Service, ServiceId};

/// Reads one entity. Entities that are not something that runs (users, groups, APIs) are left aside.
pub(super) fn read(out: &mut Builder, object: &Node, mistakes: &Mistakes) {
    let Some(table) = Table::of(object, "the document", mistakes) else { return };
    if !matches!(table.need_text("kind"), Some("Component" | "Resource" | "System")) {
        return;
    }
    let Some(meta) = table.need("metadata").and_then(|_| table.table("metadata")) else { return };
    let Some(name) = meta.need_text("name") else { return };
    let at = meta.place("name");
    if !valid_name(name) {
        mistakes.hinted(
            at,
            &format!("`{name}` cannot be the name of an entity"),
            "up to 63 letters, digits, and - _ . between them",
        );
        return;
    }
    let mut service = Service {
        id: ServiceId::new(name),
        title: SafeText::new(meta.text("title").or(meta.text("description")).unwrap_or("")),
        ..Service::default()
    };
    for link in meta.tables("links") {
        let title = link.text("title").unwrap_or("").to_lowercase();
        if let Some(url) = link.text("url").filter(|_| title.contains("runbook")) {
            service.runbook = SafeText::new(url);
        }
    }
    if let Some(spec) = table.table("spec") {
        read_spec(out, &spec, &mut service, mistakes);
    }
    out.service(service, at, mistakes);
}

fn read_spec(out: &mut Builder, spec: &Table<'_>, service: &mut Service, mistakes: &Mistakes) {
    service.owner = SafeText::new(bare(spec.text("owner").unwrap_or("")));
    // Being an experiment explains a good deal to whoever is paged for it.
    if let Some(lifecycle) = spec.text("lifecycle").filter(|l| *l != "production") {
        let title = format!("{} ({lifecycle})", service.title);
        service.title = SafeText::new(title.trim_start());
    }
    let depends = spec.texts("dependsOn");
    // An API list sometimes names a component outright; an API itself runs nowhere.
    let consumes = spec.texts("consumesApis");
    let components = consumes.into_iter().filter(|(r, _)| r.starts_with("component:"));
    for (reference, at) in depends.into_iter().chain(components) {
        let on = ServiceId::new(bare(reference));
        if service.depends_on.iter().any(|d| d.on == on) {
            continue;
        }
        out.refers("service", on.as_str(), at, mistakes);
        service.depends_on.push(Dependency {
            on,
            hard: true,
            any_of: None,
            origin: EdgeOrigin::Backstage,
        });
    }
}

/// `component:default/artist-lookup` without kind and the default namespace.
fn bare(reference: &str) -> &str {
    let name = reference.split_once(':').map_or(reference, |(_, name)| name);
    name.strip_prefix("default/").unwrap_or(name)
}

fn valid_name(name: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    name.len() <= 63
        && name.starts_with(edge)
        && name.ends_with(edge)
        && name.chars().all(|c| edge(c) || matches!(c, '-' | '_' | '.'))
}
