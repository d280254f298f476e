//! What the policy lets a key do, in sentences.

use crate::domain::{Actor, SafeText};
use crate::eventlog::{Denied, LogEvent, Power, UNREAD};

use super::{Desk, Facts, Refusal, Rule};

impl Facts {
    /// The events to record, if the policy allows them to be written with this key.
    pub(super) fn allowed(self, desk: Desk<'_>) -> Result<Vec<LogEvent>, Refusal> {
        for event in &self.made {
            desk.may(Power::needed(event))?;
        }
        let following = self.following.into_iter();
        let mut events = self.made;
        events.extend(following.filter(|event| desk.may(Power::needed(event)).is_ok()));
        Ok(events)
    }
}

impl Desk<'_> {
    /// Whether this key has a power now.
    pub(super) fn may(self, power: Power) -> Result<(), Refusal> {
        if self.model.duties.unread {
            return Err(Refusal::new(Rule::Denied, UNREAD));
        }
        let key = self.by.key;
        let why = match self.model.duties.allows(key, power, self.now) {
            Ok(()) => return Ok(()),
            Err(why) => why,
        };
        let sentence = match why {
            Denied::UnknownKey => format!(
                "The policy does not know the key of this console ({key}), so nobody would count what it \
                 writes. Have it added to the policy file; what was typed is still here."
            ),
            Denied::Revoked => format!(
                "The key of this console ({key}) was revoked in the policy file. Use another key, or have \
                 this one vouched for again."
            ),
            Denied::Lacks(_) => {
                let who = self.model.duties.person(key).cloned().unwrap_or_default();
                format!(
                    "This needs the power `{}`, which the policy does not give to {who}. {}",
                    power.name(),
                    self.who_has(power)
                )
            }
        };
        Err(Refusal::new(Rule::Denied, sentence))
    }

    /// Refuses unless the key proves that `by` is who they say: with a policy, another name may be typed
    /// at a shared console, but command and approvals are never taken from it.
    pub(super) fn proven(self, what: &str) -> Result<(), Refusal> {
        match self.model.duties.person(self.by.key) {
            Some(person) if person.as_str() != self.by.actor.name() => Err(Refusal::new(
                Rule::NotYours,
                format!(
                    "The key of this console is {person}'s, so {} cannot {what} here. Do it from a console \
                     with your own key.",
                    self.by.actor
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Whether a person has a key with this power; without a policy everybody has.
    pub(super) fn can(self, who: &Actor, power: Power) -> Result<(), Refusal> {
        let Some(keys) = &self.model.duties.keys else { return Ok(()) };
        let able = |key| self.model.duties.allows(key, power, self.now).is_ok();
        let mut theirs = keys.iter().filter(|(_, grant)| grant.person.as_str() == who.name());
        if theirs.any(|(key, _)| able(*key)) {
            return Ok(());
        }
        Err(Refusal::new(
            Rule::Denied,
            format!(
                "{who} has no key with the power `{}` in the policy. {}",
                power.name(),
                self.who_has(power)
            ),
        ))
    }

    /// Whom to ask for it.
    pub(super) fn who_has(self, power: Power) -> String {
        let keys = self.model.duties.keys.iter().flatten();
        let able = keys.filter(|(key, _)| self.model.duties.allows(**key, power, self.now).is_ok());
        let mut people: Vec<&SafeText> = able.map(|(_, grant)| &grant.person).collect();
        people.sort_unstable();
        people.dedup();
        let names: Vec<&str> = people.iter().map(|person| person.as_str()).collect();
        match names.split_last() {
            None => "Nobody has it; change the policy file.".to_owned(),
            Some((one, [])) => format!("{one} has it."),
            Some((last, others)) => format!("{} and {last} have it.", others.join(", ")),
        }
    }
}
