//! Pipelines of other hosts, as they are configured.

use std::sync::Arc;

use super::config::{PipelineConfig, Way};
use super::{
    Argo, GithubActions, GitlabPipelines, Haproxy, Jenkins, Judge, Ofrep, Pipeline, Unleash,
};
use crate::connectors::Clock;
use crate::domain::Span;

/// Deadline of one command to HAProxy, which answers at once or not at all.
const HAPROXY: Span = Span::from_secs(5);
/// Deadline of one call of kubectl.
const KUBECTL: Span = Span::from_secs(30);

/// The pipeline as it is configured; `None` for a kind that has its own maker.
pub(super) fn remote(config: &PipelineConfig, clock: &Arc<dyn Clock>) -> Option<Arc<dyn Pipeline>> {
    let (id, clock) = (config.id.clone(), clock.clone());
    Some(match &config.way {
        Way::GithubActions { endpoint, repository } => {
            Arc::new(GithubActions::new(id, repository, endpoint, clock))
        }
        Way::Gitlab { endpoint, project } => {
            Arc::new(GitlabPipelines::new(id, project, endpoint, clock))
        }
        Way::Jenkins(endpoint) => Arc::new(Jenkins::new(id, endpoint, clock)),
        Way::Argo { kubectl, context } => {
            Arc::new(Argo::new(id, kubectl.clone(), context, KUBECTL))
        }
        Way::Haproxy(socket) => Arc::new(Haproxy::new(id, socket.clone(), HAPROXY)),
        Way::Unleash { endpoint, project } => Arc::new(Unleash::new(id, project, endpoint, clock)),
        Way::Ofrep { endpoint, admin } => Arc::new(Ofrep::new(id, admin, endpoint, clock)),
        Way::Judge { endpoint, judge } => Arc::new(Judge::new(id, judge.clone(), endpoint, clock)),
        Way::Buildbot(_) | Way::Command(_) => return None,
    })
}
