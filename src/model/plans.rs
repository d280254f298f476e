//! Who is on call by the teams' pagers: what was told last is laid into the playbook, where every question of
//! who comes is answered, and never without its age.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Model;
use crate::analysis::oncall::{self, Shift};
use crate::domain::{
    Freshness, OnCallSeen, PagerPlan, SafeText, SourceId, SourceKind, Span, Team, TeamId, Timestamp,
};

impl Model {
    /// Takes what a pager says. A number it could not be asked for stays as it was known.
    pub(super) fn take_plans(
        &mut self,
        source: &SourceId,
        at: Timestamp,
        seen: OnCallSeen,
    ) -> bool {
        for (team, mut shifts) in seen.teams {
            let known = self.plans.get(&team).filter(|known| known.source == *source);
            if known.is_some_and(|known| known.at > at) {
                continue;
            }
            for shift in shifts.iter_mut().filter(|shift| shift.phone.is_none()) {
                let same = known.and_then(|known| {
                    known.shifts.iter().find(|one| {
                        (&one.person, &one.mail) == (&shift.person, &shift.mail)
                            && one.phone.is_some()
                    })
                });
                shift.phone = same.and_then(|one| one.phone.clone());
            }
            let plan = PagerPlan { source: source.clone(), at, until: seen.until, shifts };
            self.plans.insert(team, plan);
        }
        self.lay_plans()
    }

    /// Takes what an earlier console was told by pagers that are still configured. What is known already
    /// and later stays; nothing was told in the future.
    pub fn recall_plans(&mut self, plans: BTreeMap<TeamId, PagerPlan>, now: Timestamp) {
        for (team, mut plan) in plans {
            plan.at = plan.at.min(now);
            let is_pager = self.playbook.teams.get(&team).and_then(|team| team.pager.as_ref())
                == Some(&plan.source);
            if is_pager && self.plans.get(&team).is_none_or(|known| known.at < plan.at) {
                self.plans.insert(team, plan);
            }
        }
        if self.lay_plans() {
            self.revision += 1;
        }
    }

    /// Lays the plans into the playbook; says whether that changed it. Whoever the playbook knows by name or
    /// by mail address is called by its name there.
    pub(super) fn lay_plans(&mut self) -> bool {
        let laid = |id: &TeamId, team: &Team| {
            let plan = self.plans.get(id).filter(|plan| team.pager.as_ref() == Some(&plan.source));
            let mut plan = plan?.clone();
            for shift in &mut plan.shifts {
                if let Some(name) = self.known_as(&shift.person, &shift.mail) {
                    shift.person = name;
                }
            }
            Some(plan)
        };
        let teams = self.playbook.teams.iter();
        let plans: BTreeMap<TeamId, Option<PagerPlan>> = teams
            .map(|(id, team)| (id.clone(), team, laid(id, team)))
            .filter(|(_, team, plan)| team.plan != *plan)
            .map(|(id, _, plan)| (id, plan))
            .collect();
        if plans.is_empty() {
            return false;
        }
        let playbook = Arc::make_mut(&mut self.playbook);
        for (id, plan) in plans {
            if let Some(team) = playbook.teams.get_mut(&id) {
                team.plan = plan;
            }
        }
        true
    }

    fn known_as(&self, person: &SafeText, mail: &SafeText) -> Option<SafeText> {
        let people = &self.playbook.people;
        if people.contains_key(person) || mail.is_empty() {
            return None;
        }
        let has = |address: &SafeText| address.eq_ignore_ascii_case(mail);
        people
            .iter()
            .find(|(_, contact)| contact.at.values().any(has))
            .map(|(name, _)| name.clone())
    }

    /// Who is on call in a team, in words, and how old that is where a pager said it.
    pub fn on_call_told(&self, team: &Team) -> String {
        match oncall::on_call(team, self.now) {
            Some(shift) => {
                let by = self.told_by(team, &shift).map_or(String::new(), |by| format!(" ({by})"));
                format!("{} is on call{by}", shift.person)
            }
            None => self.nobody_told(team),
        }
    }

    /// Why nobody is named: a plan that has run out does not say that nobody comes.
    fn nobody_told(&self, team: &Team) -> String {
        let name = SourceKind::Pagerduty.title();
        match (&team.pager, team.pager_plan()) {
            (Some(_), None) => format!("not known who is on call: {name} has not answered yet"),
            (_, Some(plan)) if plan.until <= self.now => format!(
                "not known who is on call: the plan from {name} is {} old and has run out",
                self.ago(plan.at)
            ),
            (_, Some(plan)) => {
                format!("nobody is on call ({})", self.aged(&plan.source, plan.at))
            }
            (None, None) => "nobody is on call".to_owned(),
        }
    }

    /// By whom it is known who is on call, and how old that is; nothing where the playbook says it.
    pub fn told_by(&self, team: &Team, shift: &Shift) -> Option<String> {
        let at = shift.told?;
        team.pager.as_ref().map(|source| self.aged(source, at))
    }

    fn aged(&self, source: &SourceId, at: Timestamp) -> String {
        let stale = match self.age_of(source, at) {
            (_, Freshness::Fresh) => "",
            _ => ", stale",
        };
        format!("from {}, {} ago{stale}", SourceKind::Pagerduty.title(), self.ago(at))
    }

    /// Everybody the team's pager would call now, first those called first, each with the number it has.
    pub fn pager_phones(&self, team: &Team) -> Vec<(SafeText, SafeText)> {
        let now = team.pager_plan().into_iter().flat_map(|plan| plan.at(self.now));
        let phone = |person: &SafeText, theirs: &Option<SafeText>| {
            let ours = self.playbook.people.get(person).map(|contact| &contact.phone);
            let ours = ours.filter(|phone| !phone.is_empty()).cloned();
            ours.or_else(|| theirs.clone()).unwrap_or_default()
        };
        now.map(|shift| (shift.person.clone(), phone(&shift.person, &shift.phone))).collect()
    }

    /// How old what a pager said may be before it is not called fresh any more.
    pub fn plan_is_fresh(&self, plan: &PagerPlan) -> bool {
        let (age, freshness) = self.age_of(&plan.source, plan.at);
        age >= Span::ZERO && freshness == Freshness::Fresh
    }
}
