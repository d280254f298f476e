//! Texts that come with the program, in the words a status page uses: what is hurt, what is known, when the next
//! word comes. No cause is guessed and nothing is promised that only time can tell.

use super::facts::Facts;
use super::template::{TemplateFault, render};
use crate::domain::{Audience, Playbook, SafeText, Status, Template};

const EXTERNAL: [(Status, &str, &str); 4] = [
    (
        Status::Investigating,
        "investigating (external)",
        "We are investigating a problem with {{ services|join(', ') or title }}.\n\
         {% if impact %}{{ impact }}{% endif %}\n\
         {% if scope %}Affected: {{ scope }}.{% endif %}\n\
         {% if next %}\n\nWe will post the next update by {{ next }}.{% endif %}\n",
    ),
    (
        Status::Identified,
        "identified (external)",
        "We have found what is wrong with {{ services|join(', ') or title }} and are working on a fix.\n\
         {% if impact %}{{ impact }}{% endif %}\n\
         {% if scope %}Affected: {{ scope }}.{% endif %}\n\
         {% if next %}\n\nWe will post the next update by {{ next }}.{% endif %}\n",
    ),
    (
        Status::Monitoring,
        "monitoring (external)",
        "A fix for {{ services|join(', ') or title }} is in place, and we are monitoring the results.\n\
         {% if impact %}Before the fix: {{ impact }}{% endif %}\n\
         {% if scope %}Affected: {{ scope }}.{% endif %}\n\
         {% if next %}\n\nWe will post the next update by {{ next }}.{% endif %}\n",
    ),
    (
        Status::Resolved,
        "resolved (external)",
        "The problem with {{ services|join(', ') or title }} is resolved.\n\
         {% if impact %}What happened, from {{ started }}, for {{ duration }}: {{ impact }}{% else %}It began \
         {{ started }} and lasted {{ duration }}.{% endif %}\n\
         {% if scope %}Affected: {{ scope }}.{% endif %}\n\n\
         We are sorry for the trouble this caused.\n",
    ),
];

/// All phases but the last share one text: those inside want the same facts each time.
const INTERNAL: &str = "{{ id }} {{ severity }} {{ status }}: {{ title }}\n\n\
     {% if impact %}Impact: {{ impact }}{% else %}Impact: not known yet.{% endif %}\n\
     {% if scope %}Scope: {{ scope }}{% else %}Scope: not known yet.{% endif %}\n\
     {% if services %}Services: {{ services|join(', ') }}{% endif %}\n\
     Since {{ started }} ({{ duration }}). {% if commander %}Commander: {{ commander }}.{% endif %}\n\
     {% for one in burn %}\nSLO {{ one }}{% endfor %}\n\n\
     {% if changed %}New since {{ last }}:{% for one in changed %}\n- {{ one }}{% endfor %}\n\n{% endif %}\n\
     {% if doing %}Being done:{% for one in doing %}\n- {{ one }}{% endfor %}\n\n{% endif %}\n\
     {% if next %}Next update by {{ next }}.{% endif %}\n";

const INTERNAL_RESOLVED: &str = "{{ id }} {{ severity }} resolved: {{ title }}\n\n\
     {% if impact %}Impact: {{ impact }}{% else %}Impact: not known.{% endif %}\n\
     {% if scope %}Scope: {{ scope }}{% endif %}\n\
     From {{ started }}, for {{ duration }}. {% if commander %}Commander: {{ commander }}.{% endif %}\n\n\
     {% if changed %}New since {{ last }}:{% for one in changed %}\n- {{ one }}{% endfor %}\n\n{% endif %}\n\
     {% if tickets %}{{ tickets|join(', ') }}{% endif %}\n";

/// Templates that fit, best first: the playbook's for this phase, its for any phase, the built-in one.
pub fn offered(playbook: &Playbook, audience: Audience, phase: Status) -> Vec<Template> {
    let own = |exact: bool| {
        playbook.templates.iter().filter(move |template| {
            template.audience == audience
                && (template.phase == Some(phase)) == exact
                && (exact || template.phase.is_none())
        })
    };
    own(true).chain(own(false)).cloned().chain([built_in(audience, phase)]).collect()
}

fn built_in(audience: Audience, phase: Status) -> Template {
    let (name, text) = match audience {
        Audience::Internal if phase.is_live() => ("internal".to_owned(), INTERNAL),
        Audience::Internal => ("resolved (internal)".to_owned(), INTERNAL_RESOLVED),
        Audience::External => {
            let phase = if phase == Status::Closed { Status::Resolved } else { phase };
            let found = EXTERNAL.iter().find(|(of, _, _)| *of == phase);
            found.map_or_else(Default::default, |(_, name, text)| ((*name).to_owned(), *text))
        }
    };
    Template { name: SafeText::new(&name), audience, phase: Some(phase), text: text.to_owned() }
}

/// Subject and text of an update to begin from.
///
/// # Errors
/// What is wrong with the template.
pub fn drafted(
    template: &Template,
    facts: &Facts,
) -> Result<(SafeText, SafeText), Vec<TemplateFault>> {
    let body = render(&template.text, facts)?;
    let what = if facts.services.is_empty() {
        facts.title.to_string()
    } else {
        facts.services.iter().map(SafeText::as_str).collect::<Vec<_>>().join(", ")
    };
    let status = facts.status.map_or("", |status| status.name());
    let subject = match template.audience {
        Audience::External => format!("{what}: {status}"),
        Audience::Internal => {
            format!("[{}] {} {status}: {}", facts.id, facts.severity, facts.title)
        }
    };
    Ok((SafeText::new(&subject), body))
}
