//! Making a silence: matchers with a live count and list of what they would hit, duration, comment,
//! a last step that names the reach and the way back, and a guard against broad ones.

use crate::actions::{Action, Do, SilenceGuard, decide, would_hit_at};
use crate::app::screens::alerts::chosen;
use crate::app::{Dialog, Editor, Effect, Lines, Preview, SilenceField, SilenceForm, State, Tone};
use crate::domain::{
    Filter, Matcher, MatcherSpec, Operation, Outcome, SafeText, Silence, SilenceDraft, SiteId,
    SourceKind, Span,
};
use crate::keys::{Chord, PromptAction};

use super::forms::{draft_key, say_nothing_chosen};

/// Opens the form for what is chosen.
pub(in crate::app) fn open(state: &mut State) -> Vec<Effect> {
    let Some(chosen) = chosen(state) else {
        return say_nothing_chosen(state, "silence");
    };
    let matchers = chosen.matchers(state);
    let mut along: Vec<SiteId> = chosen.groups.iter().map(|key| key.site.clone()).collect();
    along.retain(|site| *site != chosen.site);
    along.sort_unstable();
    along.dedup();
    let effects = open_with(state, Some(chosen.site), &matchers, None, "");
    if let Some(Dialog::Silence(form)) = &mut state.ui.dialog
        && !along.is_empty()
    {
        // What was chosen says where it goes: to each site where it fires.
        (form.along, form.sites) = (along, vec![form.site.clone()]);
        edited(state);
    }
    effects
}

/// Opens the form with given texts; empty ones come from the draft or the defaults.
pub(in crate::app) fn open_with(
    state: &mut State,
    site: Option<SiteId>,
    matchers: &str,
    duration: Option<Span>,
    comment: &str,
) -> Vec<Effect> {
    let mut sites: Vec<SiteId> = state
        .model
        .sources
        .values()
        .filter(|s| s.kind == SourceKind::Alertmanager)
        .map(|s| s.site.clone())
        .collect();
    sites.sort_unstable();
    sites.dedup();
    let Some(site) = site.or_else(|| sites.first().cloned()) else {
        let now = state.now;
        state.ui.notice(
            Tone::Warning,
            "No Alertmanager is configured, so nothing can be silenced. Add one to config.toml.",
            now,
        );
        return Vec::new();
    };
    let draft = state.draft(&draft_key("silence", &site));
    let comment = if comment.is_empty() { draft.as_str() } else { comment };
    let duration = duration.unwrap_or(state.silence_for);
    state.ui.dialog = Some(Dialog::Silence(Box::new(SilenceForm {
        site,
        along: Vec::new(),
        sites,
        field: if matchers.is_empty() { SilenceField::Matchers } else { SilenceField::Comment },
        matchers: Editor::new(matchers, Lines::One),
        duration: Editor::new(&duration.to_string(), Lines::One),
        comment: Editor::new(comment, Lines::One),
        preview: Preview::default(),
        refusal: None,
        confirming: false,
        broad: None,
        replaces: None,
        saving: false,
    })));
    edited(state);
    Vec::new()
}

/// Opens the form to extend a silence that exists.
pub(super) fn open_extend(state: &mut State, silence: &Silence) -> Vec<Effect> {
    let texts: Vec<String> =
        silence.matchers.iter().filter_map(|m| m.compile().ok()).map(|m| m.to_string()).collect();
    let effects =
        open_with(state, Some(silence.site.clone()), &texts.join(" "), None, &silence.comment);
    if let Some(Dialog::Silence(form)) = &mut state.ui.dialog {
        // An extended silence stays where it is.
        form.sites = vec![silence.site.clone()];
        form.replaces = Some(silence.id.clone());
        form.field = SilenceField::Duration;
    }
    effects
}

impl SilenceForm {
    /// The editor that has the focus.
    pub(super) fn focused(&mut self) -> &mut Editor {
        if let Some(count) = &mut self.broad {
            return count;
        }
        match self.field {
            SilenceField::Matchers => &mut self.matchers,
            SilenceField::Duration => &mut self.duration,
            // Nothing is typed into the site; a key there takes the next one.
            SilenceField::Comment | SilenceField::Site => &mut self.comment,
        }
    }

    /// What is worth keeping when the form is closed.
    pub(super) fn draft_text(&self) -> String {
        self.comment.text()
    }

    fn compiled(&self) -> Result<Vec<Matcher>, SafeText> {
        let filter = Filter::parse(&self.matchers.text())
            .map_err(|e| SafeText::new(&format!("Matchers: {e}.")))?;
        filter.matchers().ok_or_else(|| {
            SafeText::new("Matchers: bare words cannot be silenced; write name=\"value\".")
        })
    }

    fn draft(&self, state: &State) -> Result<SilenceDraft, SafeText> {
        let matchers = self.compiled()?;
        let text = self.duration.text();
        let duration = Span::parse(text.trim())
            .filter(|d| *d > Span::ZERO)
            .ok_or_else(|| SafeText::new("Duration: write it as 30m, 2h or 1d."))?;
        let replaced =
            self.replaces.as_ref().and_then(|id| state.model.silences.get(&self.site, id));
        Ok(SilenceDraft {
            matchers: matchers.iter().map(MatcherSpec::from).collect(),
            // An extended silence keeps its id only with the start the server gave it.
            starts_at: replaced.map_or(state.now, |s| s.starts_at),
            ends_at: state.now.plus(duration),
            created_by: SafeText::new(state.me.name()),
            comment: SafeText::new(self.comment.text().trim()),
            replaces: self.replaces.clone(),
        })
    }
}

/// Counts anew what the matchers would hit.
pub(super) fn edited(state: &mut State) {
    let Some(Dialog::Silence(form)) = &state.ui.dialog else { return };
    let (preview, refusal) = match form.compiled() {
        Err(sentence) => (Preview::default(), Some(sentence)),
        Ok(matchers) => {
            let mut preview = Preview::default();
            for site in form.places() {
                let hit = would_hit_at(&state.model, site, &matchers);
                let listed = hit.alerts.iter().filter_map(|key| {
                    let alert = &state.model.alerts.alerts.get(key)?.alert;
                    let text = format!("{} {}", alert.name(), alert.labels.get("instance"));
                    Some(SafeText::new(&text))
                });
                let room = 50_usize.saturating_sub(preview.listed.len());
                preview.listed.extend(listed.take(room));
                preview.alerts += hit.alerts.len();
                preview.firing += hit.total_firing;
                preview.services.extend(hit.services.iter().map(|s| s.text().clone()));
                // Broad on one site is broad.
                preview.broad |= state.guard.is_broad(&hit);
            }
            preview.services.sort_unstable();
            preview.services.dedup();
            (preview, None)
        }
    };
    if let Some(Dialog::Silence(form)) = &mut state.ui.dialog {
        form.preview = preview;
        form.refusal = refusal;
    }
}

/// A key in the form: completion keys walk the fields, accepting goes to the last step, accepting
/// there sends.
pub(super) fn key(state: &mut State, meant: Option<PromptAction>, chord: Chord) -> Vec<Effect> {
    let Some(Dialog::Silence(form)) = &mut state.ui.dialog else { return Vec::new() };
    if form.saving {
        return Vec::new();
    }
    match meant {
        Some(PromptAction::Accept) => return enter(state),
        Some(PromptAction::Complete | PromptAction::Next) if !form.confirming => {
            form.field = next(form.field, 1, form.sites.len());
        }
        Some(PromptAction::CompleteBack | PromptAction::Previous) if !form.confirming => {
            form.field = next(form.field, -1, form.sites.len());
        }
        _ if form.confirming && form.broad.is_none() => {}
        _ if form.field == SilenceField::Site && !form.confirming => {
            let at = form.sites.iter().position(|s| *s == form.site).map_or(0, |at| at + 1);
            if let Some(site) = form.sites.get(at).or(form.sites.first()) {
                form.site = site.clone();
            }
            edited(state);
        }
        _ => {
            form.focused().key(chord);
            edited(state);
            return vec![Effect::Keep];
        }
    }
    Vec::new()
}

/// The field after or before; the site only where there is a choice and no silence of one is changed.
fn next(field: SilenceField, by: isize, sites: usize) -> SilenceField {
    use SilenceField::{Comment, Duration, Matchers, Site};
    let fields = [Matchers, Duration, Comment, Site];
    let count = if sites > 1 { 4 } else { 3 };
    fields[(field as usize + count).saturating_add_signed(by) % count]
}

fn enter(state: &mut State) -> Vec<Effect> {
    let Some(Dialog::Silence(form)) = &state.ui.dialog else { return Vec::new() };
    let confirmed_broad = form
        .broad
        .as_ref()
        .is_some_and(|typed| typed.text().trim() == form.preview.alerts.to_string());
    let decided = if state.read_only {
        Err(SafeText::new(
            "This console is read-only; nothing was silenced. To act, start it without --read-only and on a log it can open.",
        ))
    } else {
        form.draft(state).and_then(|draft| {
            // The first press leads to the last step, which asks for the count if it is broad.
            let confirmed_broad = confirmed_broad || !form.confirming;
            let guard = SilenceGuard { confirmed_broad, ..state.guard };
            let each = form.places().map(|site| {
                let what = Do::Silence { site: site.clone(), draft: draft.clone() };
                decide(&state.model, &state.me, &what, state.now, &guard).map_err(|r| r.sentence)
            });
            // All of them or none: what one site refuses is asked for nowhere.
            each.collect::<Result<Vec<_>, _>>()
        })
    };
    let Some(Dialog::Silence(form)) = &mut state.ui.dialog else { return Vec::new() };
    match decided {
        Err(sentence) => form.refusal = Some(sentence),
        Ok(_) if !form.confirming => {
            form.confirming = true;
            form.refusal = None;
            form.broad = form.preview.broad.then(|| Editor::new("", Lines::One));
        }
        Ok(events) => {
            form.saving = true;
            return events.into_iter().map(Effect::Append).collect();
        }
    }
    Vec::new()
}

/// An operation of ours ended: say what came of it, in words that keep unknown apart from failed.
pub(in crate::app) fn performed(state: &mut State, operation: &Operation, outcome: &Outcome) {
    let now = state.now;
    let what = match operation {
        Operation::Silence { site, draft } => {
            format!("Silence on {site} until {}Z", draft.ends_at.utc().format("%H:%M"))
        }
        Operation::Expire { site, .. } => format!("End of the silence on {site}"),
        // What the outbox does is told where it is shown: in the incident.
        Operation::Send(_) | Operation::Ticket { .. } | Operation::Run { .. } => return,
    };
    let key = state.keymap.key_for(Action::Silences).unwrap_or(":silences");
    let (tone, text) = match outcome {
        Outcome::Done { .. } | Outcome::Received { .. } => {
            (Tone::Done, format!("{what}: done. {key} lists silences."))
        }
        Outcome::Refused { why } | Outcome::Later { why, .. } | Outcome::Failed { why, .. } => {
            (Tone::Error, format!("{what}: not done. {why}"))
        }
        Outcome::Unknown { why } => (
            Tone::Warning,
            format!(
                "{what}: unknown whether it was done. {why} Look at the list of silences ({key}) before trying again."
            ),
        ),
    };
    match &mut state.ui.dialog {
        Some(Dialog::Silence(form)) if form.saving => {
            if let Outcome::Refused { why } = outcome {
                form.saving = false;
                form.confirming = false;
                form.refusal = Some(why.clone());
                // The others were asked as well and answer for themselves; only this one is tried again.
                if let Operation::Silence { site, .. } = operation {
                    (form.site, form.along) = (site.clone(), Vec::new());
                }
            } else if let (Operation::Silence { site, .. }, false) =
                (operation, form.along.is_empty())
            {
                let mut left: Vec<SiteId> = form.places().filter(|p| *p != site).cloned().collect();
                form.site = left.remove(0);
                form.along = left;
            } else {
                let key = draft_key("silence", &form.site);
                state.drafts.remove(&key);
                state.ui.dialog = None;
                state.ui.alerts.marked.clear();
            }
        }
        _ => {}
    }
    state.ui.notice(tone, text, now);
}
