//! What a review asks for: a section, a cause, types, follow-ups.

use crate::actions::{Doing, deadline, pick};
use crate::app::FieldName as N;
use crate::app::form::Check as Tick;
use crate::app::{Entry, Field, FollowUpMove, Form, Pick, Remark, State, Verb};
use crate::domain::{CauseCategory, Check, IncidentType, Priority, SafeText};
use crate::eventlog::{FollowUpStep, RecordId};
use crate::model::incidents::Incident;
use crate::model::review::{People, Proposed, draft, proposed};

use super::{Meant, Wrong, known, moment, needed};

/// Most wordings named beside a text: the first are mended first.
const MOST_SLIPS: usize = 4;

pub(super) fn form(state: &State, incident: &Incident, verb: Verb) -> Form {
    let id = incident.id.clone();
    let people = |text: &str| Entry::Pick(Pick::one(text, known::people(state, Some(incident))));
    let reason = |hint| vec![Field::new(N::Reason, Entry::line("")).hint(hint)];
    match verb {
        Verb::Section(section) => {
            let written = incident.review.sections.get(&section).map(|(text, ..)| text.clone());
            let text = written.unwrap_or_else(|| draft(&state.model, incident, state.now, section));
            let fields = vec![
                Field::new(N::Body, Entry::lines(&text)).hint("nothing goes back to the draft"),
            ];
            Form::new(verb, id, section.title(), fields)
        }
        Verb::Cause(parent) => {
            let bones = CauseCategory::ALL.map(CauseCategory::name);
            let bones = std::iter::once("none").chain(bones);
            let fields = vec![
                Field::new(N::Text, Entry::line("")).hint("what contributed, in one sentence"),
                Field::new(N::Category, Entry::choice(bones, 0)),
                Field::new(N::Entries, Entry::line(""))
                    .hint("entries that show it: ids or words, separated by commas"),
            ];
            let mut form = Form::new(verb, id, "What contributed", fields).starting(N::Text);
            if let Some(cause) = parent.and_then(|parent| incident.review.causes.get(&parent)) {
                let text = format!("Why: {}", cause.text);
                form.remarks.push(Remark::Plain(SafeText::new(&text)));
            } else {
                form.remarks = suggested(state, incident, |one| {
                    Some(format!("{} ({})", one.text, one.category.name()))
                });
            }
            form
        }
        Verb::WithdrawCause(cause) => {
            let mut form =
                Form::new(verb, id, "Withdraw the cause", reason("why it no longer holds"));
            if let Some(cause) = incident.review.causes.get(&cause) {
                form.remarks.push(Remark::Plain(cause.text.clone()));
            }
            form
        }
        Verb::Types => {
            let types = IncidentType::ALL.iter().map(|one| Tick {
                word: one.name().into(),
                on: incident.review.types.contains(one),
            });
            let options = types.collect();
            let fields = vec![Field::new(N::Kind, Entry::Checks { options, at: 0 })];
            let mut form = Form::new(verb, id, "What sort of incident it was", fields);
            form.remarks = suggested(state, incident, |one| {
                Some(format!("{}: {}", one.kind?.name(), one.text))
            });
            form
        }
        Verb::FollowUp => {
            let due = state.as_typed(deadline(Priority::Medium, state.now));
            let checks = ["nothing", "a query holds", "somebody else has seen"];
            let fields = vec![
                Field::new(N::Text, Entry::line("")).hint("what is to be done"),
                Field::new(N::Owner, people("")).hint("nobody yet"),
                Field::new(N::Priority, Entry::choice(Priority::ALL.map(Priority::name), 1)),
                Field::new(N::Due, Entry::ahead(&due)).hint("14d, or a day"),
                Field::new(N::Way, Entry::choice(checks, 0)),
                Field::new(N::Expected, Entry::line(""))
                    .hint("the query (PromQL), or what was seen"),
            ];
            Form::new(verb, id, &format!("Follow-up of {}", incident.id), fields).starting(N::Text)
        }
        Verb::MoveFollowUp(follow_up, how) => {
            let (title, fields) = match how {
                FollowUpMove::Give => (
                    "Give the follow-up to somebody else",
                    vec![Field::new(N::Owner, people("")).hint("one person, by name")],
                ),
                FollowUpMove::Extend => (
                    "A later deadline",
                    vec![
                        Field::new(N::Due, Entry::ahead("")).hint("14d, or a day"),
                        Field::new(N::Reason, Entry::line("")).hint("why it takes longer"),
                    ],
                ),
                FollowUpMove::Drop => ("Drop the follow-up", reason("why it is no longer wanted")),
                FollowUpMove::Vouch => (
                    "Look at the check",
                    vec![
                        Field::new(N::Way, Entry::choice(["it holds", "it does not hold"], 0)),
                        Field::new(N::Reason, Entry::line("")).hint("what you saw"),
                    ],
                ),
            };
            let mut form = Form::new(verb, id, title, fields);
            if let Some(one) = incident.review.follow_ups.get(&follow_up) {
                form.remarks.push(Remark::Plain(one.text.clone()));
                if let (FollowUpMove::Vouch, Some(Check::Word { what })) = (how, &one.check) {
                    let text = format!("To be seen: {what}");
                    form.remarks.push(Remark::Plain(SafeText::new(&text)));
                }
            }
            form
        }
        // Every other verb has its form elsewhere.
        other => Form::new(other, id, "", Vec::new()),
    }
}

/// What the log's facts propose, for whoever decides.
fn suggested(
    state: &State,
    incident: &Incident,
    says: impl Fn(&Proposed) -> Option<String>,
) -> Vec<Remark> {
    let all = proposed(&state.model, incident);
    let lines: Vec<String> = all.iter().filter_map(says).collect();
    if lines.is_empty() {
        return Vec::new();
    }
    let head = Remark::Head("Proposed from the log, not set".into());
    let lines = lines.iter().map(|line| Remark::Plain(SafeText::new(line)));
    std::iter::once(head).chain(lines).collect()
}

pub(super) fn reshape(state: &State, form: &mut Form) {
    let Some(incident) = state.model.incidents.incidents.get(&form.incident) else { return };
    match form.verb {
        Verb::Section(_) => {
            let people = People::of(&state.model, incident);
            let text = form.text(N::Body);
            let slips = crate::analysis::blameless::lint(&text, &people.listed());
            form.remarks = slips
                .iter()
                .take(MOST_SLIPS)
                .map(|one| {
                    let says = text.get(one.at.clone()).unwrap_or_default();
                    let text = format!("“{says}” ({}); rather: {}", one.slip.word(), one.offer);
                    Remark::Warn(SafeText::new(&text))
                })
                .collect();
            if slips.len() > MOST_SLIPS {
                let more = format!("{} more wordings like these.", slips.len() - MOST_SLIPS);
                form.remarks.push(Remark::Plain(SafeText::new(&more)));
            }
        }
        Verb::FollowUp => {
            let none = form.choice(N::Way) == 0;
            if let Some(field) = form.field_mut(N::Expected) {
                field.hidden = none;
            }
        }
        _ => {}
    }
}

pub(super) fn meant(state: &State, form: &Form) -> Meant {
    let incident = state.model.incidents.incidents.get(&form.incident);
    let doing = match form.verb {
        Verb::Section(section) => Doing::WriteSection(section, form.text(N::Body)),
        Verb::Cause(parent) => Doing::FindCause {
            parent,
            category: form
                .choice(N::Category)
                .checked_sub(1)
                .and_then(|at| CauseCategory::ALL.get(at).copied()),
            text: needed(form, N::Text, "What: say what contributed.")?,
            evidence: entries(incident, &form.text(N::Entries))?,
        },
        Verb::WithdrawCause(cause) => Doing::WithdrawCause { cause, reason: form.text(N::Reason) },
        Verb::Types => {
            let ticked = form.field(N::Kind).map_or_else(String::new, |field| field.entry.text());
            Doing::SetTypes(ticked.lines().filter_map(IncidentType::named).collect())
        }
        Verb::FollowUp => {
            let owner = form.text(N::Owner);
            let priority =
                Priority::ALL.get(form.choice(N::Priority)).copied().unwrap_or(Priority::Medium);
            let due = moment(state, form, N::Due)?;
            let expected = || needed(form, N::Expected, "Expecting: say what must hold.");
            let check = match form.choice(N::Way) {
                1 => Some(Check::Query { expr: SafeText::body(&expected()?) }),
                2 => Some(Check::Word { what: SafeText::body(&expected()?) }),
                _ => None,
            };
            Doing::FollowUp {
                text: needed(form, N::Text, "What: say what is to be done.")?,
                owner: (!owner.is_empty()).then(|| known::person(state, &owner)),
                due: due.unwrap_or_else(|| deadline(priority, state.now)),
                priority,
                check,
                mends: None,
            }
        }
        Verb::MoveFollowUp(follow_up, how) => {
            let note = form.text(N::Reason);
            let step = match how {
                FollowUpMove::Give => {
                    let who = needed(form, N::Owner, "Owner: say who has it; `me` is you.")?;
                    FollowUpStep::Given(known::person(state, &who))
                }
                FollowUpMove::Extend => {
                    let due = moment(state, form, N::Due)?;
                    FollowUpStep::Extended(due.ok_or_else(|| {
                        Wrong::new(N::Due, "Within: say until when, such as 14d.")
                    })?)
                }
                FollowUpMove::Drop => FollowUpStep::Dropped,
                FollowUpMove::Vouch => {
                    let holds = form.choice(N::Way) == 0;
                    return Ok(vec![crate::app::screens::review::vouched(follow_up, holds, note)]);
                }
            };
            Doing::MoveFollowUp { follow_up, step, note }
        }
        _ => return Ok(Vec::new()),
    };
    Ok(vec![doing])
}

/// Entries of the timeline by the beginning of their ids or words only they have.
fn entries(incident: Option<&Incident>, text: &str) -> Result<Vec<RecordId>, Wrong> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let lines = incident.into_iter().flat_map(|one| one.timeline.iter());
            let lines = lines.map(|line| (line.record, line.text.as_str()));
            pick::record(lines, word, "entry")
                .map_err(|refusal| Wrong::new(N::Entries, &refusal.sentence))
        })
        .collect()
}
