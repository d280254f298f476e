//! A pipeline that only rehearses: for demonstrations. It takes what it is told, ends well a few looks later,
//! and nothing leaves this machine; its lines say so. Whether that helped is not its to say.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Begun, NotBegun, Pipeline, Progress, RunState};
use crate::domain::{Order, PipelineId, PipelineKind, SafeText, Stage};

/// Looks until it ends.
const LOOKS: u8 = 4;

/// A pipeline of which nothing but name and kind is real.
pub struct Rehearsal {
    id: PipelineId,
    kind: PipelineKind,
    looks: Mutex<BTreeMap<String, u8>>,
}

impl Rehearsal {
    /// Takes everything and does nothing.
    pub const fn new(id: PipelineId, kind: PipelineKind) -> Self {
        Self { id, kind, looks: Mutex::new(BTreeMap::new()) }
    }

    fn receipt(key: &str) -> String {
        format!("rehearsal {}", key.get(..6).unwrap_or(key))
    }

    fn looks(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u8>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begun(key: &str) -> Begun {
        Begun { receipt: SafeText::new(&Self::receipt(key)), url: SafeText::default() }
    }
}

#[async_trait]
impl Pipeline for Rehearsal {
    fn id(&self) -> &PipelineId {
        &self.id
    }

    fn kind(&self) -> PipelineKind {
        self.kind
    }

    fn shown(&self, order: &Order) -> SafeText {
        SafeText::new(&format!("rehearsal of “{}”; nothing leaves this machine", order.title))
    }

    async fn start(&self, _: &Order, key: &str) -> Result<Begun, NotBegun> {
        self.looks().insert(Self::receipt(key), 0);
        Ok(Self::begun(key))
    }

    async fn watch(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        let mut all = self.looks();
        let progress = match all.get_mut(begun.receipt.as_str()) {
            None => {
                let why = SafeText::new("It was rehearsed by a console that is gone.");
                Progress { state: RunState::Gone(why), lines: Vec::new() }
            }
            Some(looks) => {
                *looks = looks.saturating_add(1);
                let first = SafeText::new("rehearsal: nothing leaves this machine");
                let second = SafeText::new(&format!("{} …", order.title));
                let (state, lines) = match *looks {
                    1 => (RunState::Under(Stage::Queued), vec![first]),
                    looks if looks < LOOKS => {
                        (RunState::Under(Stage::Running), vec![first, second])
                    }
                    _ => (RunState::Done, vec![first, second, SafeText::new("ended well")]),
                };
                Progress { state, lines }
            }
        };
        Ok(progress)
    }

    async fn find(&self, _: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        let known = self.looks().contains_key(&Self::receipt(key));
        Ok(known.then(|| Self::begun(key)))
    }

    async fn stop(&self, _: &Order, begun: &Begun, _: &str) -> Result<(), SafeText> {
        self.looks().remove(begun.receipt.as_str());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Ask, Span};
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn a_rehearsed_step_is_queued_runs_and_ends_and_is_found_by_its_key_only() {
        let pipeline = Rehearsal::new(PipelineId::new("deploy"), PipelineKind::Command);
        let order = Order {
            title: "back to v811".into(),
            pipeline: PipelineId::new("deploy"),
            ask: Ask::Command { argv: vec!["/bin/true".into()] },
            deadline: Span::from_mins(1),
        };
        assert_eq!(pipeline.find(&order, "abcdef12").await, Ok(None));
        let begun = pipeline.start(&order, "abcdef12").await.unwrap();
        assert_eq!(pipeline.find(&order, "abcdef12").await, Ok(Some(begun.clone())));
        let mut states = Vec::new();
        for _ in 0..4 {
            states.push(pipeline.watch(&order, &begun).await.unwrap().state);
        }
        let under = RunState::Under;
        let running = || under(Stage::Running);
        assert_eq!(states, [under(Stage::Queued), running(), running(), RunState::Done]);
        pipeline.stop(&order, &begun, "").await.unwrap();
        let gone = pipeline.watch(&order, &begun).await.unwrap().state;
        assert!(matches!(gone, RunState::Gone(_)), "{gone:?}");
    }
}
