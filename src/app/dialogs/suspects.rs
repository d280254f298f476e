//! Who is likely to blame: the list, what speaks against one of them, and the list as evidence.

use super::lists::movement;
use super::reading::open_reading;
use crate::actions::Action;
use crate::app::screens::moved;
use crate::app::{About, Dialog, Effect, FieldName, ReadingLine, State, Tone, Verb};
use crate::domain::SafeText;
use crate::model::{SuspectId, SuspectsFound};

/// Opens the list.
pub(in crate::app) fn open(state: &mut State) -> Vec<Effect> {
    state.ui.dialog = Some(Dialog::Suspects { selected: None, top: 0 });
    Vec::new()
}

/// An action in the list: opening shows what speaks against the selected one; a note takes the list
/// along, as it is now.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    let found = state.model.suspected();
    let rows: Vec<SuspectId> = found.map_or_else(Vec::new, |found| {
        found.ranking.suspects.iter().filter_map(|one| found.id(one)).collect()
    });
    let text = found.map(SuspectsFound::listed);
    let page = isize::try_from(state.ui.drawn.dialog_page.max(2) - 1).unwrap_or(1);
    let Some(Dialog::Suspects { selected, .. }) = &mut state.ui.dialog else { return Vec::new() };
    // The selected one may have left the list.
    let known = selected.as_ref().filter(|id| rows.contains(id));
    let at = known.or(rows.first()).cloned();
    let by = match movement(action) {
        Some(crate::app::screens::Move::By(by)) if by.abs() > 1 => {
            Some(crate::app::screens::Move::By(by.signum() * page))
        }
        other => other,
    };
    if let Some(by) = by {
        *selected = moved(&rows, at.as_ref(), by);
        return Vec::new();
    }
    let now = state.now;
    match (action, at, text) {
        (Action::Open, Some(id), _) => open_reading(state, About::Suspect(id)),
        (Action::Note, _, Some(text)) => super::open_note(state, &text),
        (Action::Evidence, Some(id), Some(text)) => {
            let mut given = vec![(FieldName::Text, text)];
            if let Some((label, _)) = super::verbs::suspect_course(state, &id) {
                given.push((FieldName::Chart, label.to_string()));
            }
            super::open_verb(state, Verb::Evidence, &given)
        }
        (Action::Copy, _, Some(text)) => {
            state.ui.notice(Tone::Done, "Copied.", now);
            vec![Effect::Copy(text)]
        }
        (Action::Open | Action::Suspects, ..) => super::back(state),
        _ => Vec::new(),
    }
}

/// What speaks against one of them, part by part.
pub(super) fn lines(state: &State, id: &SuspectId) -> Option<(SafeText, Vec<ReadingLine>)> {
    let found = state.model.suspected()?;
    let suspect = found.suspect(id)?;
    let pair = |name: &str, value: &str| ReadingLine::Pair(name.into(), SafeText::new(value));
    let standing = if suspect.stands_out { "stands out" } else { "does not stand out" };
    let mut lines = vec![
        pair(
            "score",
            &format!("{:.2}, the product of the weights below; {standing}", suspect.score),
        ),
        pair("concern", &format!("{}: {}", found.concern.service, found.concern.why)),
        pair("since", &state.as_typed(found.concern.onset)),
        pair("readings until", &state.as_typed(found.until)),
    ];
    let way = found.way(suspect);
    lines.push(if way.is_empty() {
        pair("path", "none: no way leads there from what hurts")
    } else {
        pair("path", &way)
    });
    for term in &suspect.terms {
        lines.push(ReadingLine::Blank);
        lines.push(ReadingLine::Head(term.kind.name().into()));
        lines.push(pair("weight", &format!("× {:.3}", term.weight)));
        lines.push(pair("value", &format!("{:.3}", term.value)));
        lines.push(pair("seen", &term.sentence));
    }
    for folded in &suspect.folded {
        let name = found.services.get(folded.service)?;
        lines.push(ReadingLine::Blank);
        lines.push(ReadingLine::Head(SafeText::new(&format!("folded into it: {name}"))));
        lines.push(ReadingLine::Text(SafeText::new(&folded.reason)));
    }
    Some((SafeText::new(&format!("Suspect: {}", found.name(suspect))), lines))
}
