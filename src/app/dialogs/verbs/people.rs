//! Who does what: command, roles, hand-over, pages.

use crate::actions::Doing;
use crate::app::{Entry, Field, FieldName as N, Form, Pick, Remark, State, Verb};
use crate::domain::{Actor, Role, SafeText, TeamId};
use crate::model::incidents::Incident;

use super::{Meant, Wrong, known, moment, needed};

/// Roles that are given and left; command changes hands by itself.
const ROLES: [Role; 5] = [Role::Deputy, Role::Scribe, Role::Comms, Role::Ops, Role::Observer];

pub(super) fn form(state: &State, incident: &Incident, verb: Verb) -> Form {
    let id = incident.id.clone();
    let people = |text: &str| Entry::Pick(Pick::one(text, known::people(state, Some(incident))));
    match verb {
        Verb::TakeCommand => {
            let fields = vec![
                Field::new(N::Reason, Entry::line("")).hint("why, when somebody else commands"),
            ];
            let mut form = Form::new(verb, id, &format!("Take command of {}", incident.id), fields);
            form.remarks.push(match &incident.command {
                Some(command) => Remark::Warn(SafeText::new(&format!(
                    "{} commands. With {} reachable, a hand-over is better: nothing is forgotten in it.",
                    command.commander, command.commander
                ))),
                None => Remark::Plain("Nobody commands yet.".into()),
            });
            form
        }
        Verb::Role => {
            // The first role nobody holds is the likely one.
            let empty = ROLES.iter().position(|r| incident.roles.get(r).is_none_or(Vec::is_empty));
            let held = state.ui.incident.holder.as_ref().map(|(role, _)| *role);
            let at = held.and_then(|role| ROLES.iter().position(|r| *r == role));
            let fields = vec![
                Field::new(
                    N::Role,
                    Entry::choice(
                        ROLES.map(|r| SafeText::new(r.name())),
                        at.or(empty).unwrap_or(0),
                    ),
                ),
                Field::new(N::Way, Entry::choice(["give it", "leave it"], 0)),
                Field::new(N::Until, Entry::ahead("")).hint("until relieved; or 2h, 18:00"),
                Field::new(N::To, people("")).hint("who"),
            ];
            Form::new(verb, id, &format!("Role in {}", incident.id), fields)
        }
        Verb::Handoff => {
            let deputy = incident.roles.get(&Role::Deputy).and_then(|h| h.first());
            let deputy = deputy.map_or(String::new(), |h| h.who.to_string());
            let fields = vec![Field::new(N::To, people(&deputy)).hint("who is to command")];
            let mut form =
                Form::new(verb, id, &format!("Offer command of {}", incident.id), fields);
            form.remarks.push(Remark::Plain(SafeText::new(
                "They read the brief and accept it section by section; until the last one you command.",
            )));
            form
        }
        Verb::WithdrawHandoff => {
            let fields = vec![Field::new(N::Reason, Entry::line("")).hint("why; may stay empty")];
            let title = format!("Take back the offer of command of {}", incident.id);
            let mut form = Form::new(verb, id, &title, fields);
            if let Some(offer) = &incident.handover {
                let accepted = offer.sections.iter().filter(|s| s.answer == Some(Ok(()))).count();
                let text = format!(
                    "{} offered command to {}, who has accepted {accepted} of {} sections.",
                    offer.from,
                    offer.to,
                    offer.sections.len()
                );
                form.remarks.push(Remark::Plain(SafeText::new(&text)));
                for section in &offer.sections {
                    if let Some(Err(question)) = &section.answer {
                        let text = format!("{}: {question}", section.title);
                        form.remarks.push(Remark::Warn(SafeText::new(&text)));
                    }
                }
            }
            form
        }
        Verb::DeclinePage(page) => {
            let fields = vec![
                Field::new(N::Reason, Entry::line(""))
                    .hint("why you are not coming, and who could"),
            ];
            let mut form = Form::new(verb, id, "Not coming", fields);
            if let Some(page) = incident.pages.get(&page) {
                form.remarks.push(Remark::Plain(page.text.clone()));
            }
            form
        }
        _ => {
            let text = format!("{} {}: {}", incident.severity, incident.id, incident.title);
            let team = Pick::one("", known::teams(state));
            let fields = vec![
                Field::new(N::Team, Entry::Pick(team))
                    .hint("whose on-call; or name a person below"),
                Field::new(N::Whom, people("")).hint("whoever is on call in the team"),
                Field::new(N::Text, Entry::line(&text)).hint("what for, in one line"),
            ];
            Form::new(verb, id, "Call somebody", fields).starting(N::Team)
        }
    }
}

pub(super) fn reshape(state: &State, form: &mut Form) {
    let Some(incident) = state.model.incidents.incidents.get(&form.incident) else { return };
    match form.verb {
        Verb::Role => {
            let leaving = form.choice(N::Way) == 1;
            let role = ROLES.get(form.choice(N::Role)).copied().unwrap_or(Role::Observer);
            let held = incident.roles.get(&role).map_or(&[][..], Vec::as_slice);
            let names: Vec<String> = held.iter().map(|h| h.who.to_string()).collect();
            form.remarks = vec![match names.as_slice() {
                [] => Remark::Plain(SafeText::new(&format!("Nobody is {role} now."))),
                names => {
                    Remark::Plain(SafeText::new(&format!("{role} now: {}.", names.join(", "))))
                }
            }];
            if let Some(until) = form.field_mut(N::Until) {
                until.hidden = leaving;
            }
            if let (true, [only]) = (leaving, names.as_slice())
                && let Some(to) = form.field_mut(N::To)
                && to.entry.is_blank()
            {
                to.entry.set(only);
                to.proposed.clone_from(only);
            }
        }
        _ => {
            let named = [form.text(N::Whom), form.text(N::Team)];
            form.remarks.clear();
            let (mut told, mut seen) = (Vec::new(), Vec::new());
            let pagers = named.iter().filter_map(|text| state.model.playbook.teams.get(&**text));
            for team in pagers.filter(|team| team.pager.is_some()) {
                told.push(SafeText::new(&state.model.on_call_told(team)));
                for (person, phone) in state.model.pager_phones(team) {
                    if phone.is_empty() || seen.contains(&person) {
                        continue;
                    }
                    told.push(SafeText::new(&format!("{person}: {phone}")));
                    seen.push(person);
                }
            }
            form.remarks.extend(told.into_iter().map(Remark::Plain));
            let phones = named.into_iter().flat_map(|text| {
                let of_team = state.model.playbook.teams.get(text.as_str());
                let people = of_team
                    .map(|t| t.rotations.iter().flat_map(|r| r.people.clone()).collect::<Vec<_>>());
                people.unwrap_or_else(|| vec![SafeText::new(&text)])
            });
            for person in phones {
                let phone = state.model.playbook.people.get(&person).map(|c| c.phone.clone());
                let phone = phone.filter(|phone| !phone.is_empty());
                if let (Some(phone), false) = (phone, seen.contains(&person)) {
                    let text = format!("{person}: {phone}");
                    form.remarks.push(Remark::Plain(SafeText::new(&text)));
                    seen.push(person);
                }
            }
        }
    }
}

pub(super) fn meant(state: &State, form: &Form) -> Meant {
    let who = |name, what: &str| needed(form, name, what).map(|text| known::person(state, &text));
    let incident = state.model.incidents.incidents.get(&form.incident);
    let doing = match form.verb {
        Verb::TakeCommand => Doing::TakeCommand {
            after: incident.and_then(|i| i.command.as_ref()).map(|c| c.record),
            reason: form.text(N::Reason),
        },
        Verb::Role => {
            let role = ROLES.get(form.choice(N::Role)).copied().unwrap_or(Role::Observer);
            if form.choice(N::Way) == 1 {
                Doing::LeaveRole { role, who: who(N::To, "To: say who leaves the role.")? }
            } else {
                let to = who(N::To, "To: say who gets the role; `me` is you.")?;
                Doing::GiveRole { role, to, until: moment(state, form, N::Until)? }
            }
        }
        Verb::Handoff => Doing::OfferHandover { to: who(N::To, "To: say who is to command.")? },
        Verb::WithdrawHandoff => Doing::WithdrawHandover(form.text(N::Reason)),
        Verb::DeclinePage(page) => {
            Doing::AnswerPage { page, coming: false, note: form.text(N::Reason) }
        }
        _ => {
            let (team, whom) = (form.text(N::Team), form.text(N::Whom));
            if team.is_empty() && whom.is_empty() {
                return Err(Wrong::new(N::Team, "Team: say whose on-call, or name a person."));
            }
            let known = state.model.playbook.teams.contains_key(team.as_str());
            if !team.is_empty() && !known {
                let why =
                    format!("Team: `{team}` is not in the playbook, so nobody is on call in it.");
                return Err(Wrong::new(N::Team, &why));
            }
            Doing::Page {
                team: (!team.is_empty()).then(|| TeamId::new(&team)),
                whom: (!whom.is_empty()).then(|| Actor::new(&whom)),
                text: needed(form, N::Text, "What: say what for, in one line.")?,
            }
        }
    };
    Ok(vec![doing])
}
