//! The evidence for each service and change: terms, their weights and the sentences for them.

use super::track::{AWAY, Grid, Judged, correlation, judge, lagged};
use super::walk::{Graph, path};
use super::{Case, Culprit, Folded, Signal, Suspect, Symptom, Term, TermKind};
use crate::domain::Span;

/// How much of a score a callee can explain away.
const EXPLAINED: f64 = 0.9;
/// What remains of a score when a service does not move as the symptom does.
const UNMOVED: f64 = 0.05;
/// A service that can be reached, but not through services that are away from usual.
const OFF_PATH: f64 = 0.5;
/// A service that cannot be reached from the symptom.
const UNREACHABLE: f64 = 0.125;
/// Traffic is more often a consequence than a cause.
const TRAFFIC: f64 = 0.5;
/// From this correlation on an endpoint moves as the service behind it.
const ALIKE: f64 = 0.8;
/// Own resources away from usual as well.
const RESOURCE: f64 = 1.5;
/// A change where nothing is read is shown, but with nothing else it never stands out.
const UNREAD: f64 = 0.4;
/// A change counts half as much after this long.
const HALF_LIFE: Span = Span::from_mins(20);

/// One signal of a service and how it was judged.
struct Sign {
    signal: Signal,
    judged: Judged,
    /// The caller that saw it, when the service did not say so itself.
    caller: Option<usize>,
}

impl Sign {
    fn strength(&self) -> f64 {
        self.judged.worst.ln_1p()
    }

    /// Whether a callee's trouble can show in it.
    fn passes_on(&self) -> bool {
        matches!(self.signal, Signal::Latency | Signal::Errors)
    }

    fn away(&self) -> bool {
        self.judged.worst >= AWAY
    }
}

/// A service's sign with what weakens it.
struct Weighed<'a> {
    sign: &'a Sign,
    score: f64,
    /// Correlation with the symptom, which followed after so many steps.
    moves: Option<(f64, usize)>,
    explained: Option<(usize, f64)>,
}

/// All services' signals judged.
pub(super) struct Seen {
    signs: Vec<Vec<Sign>>,
    graph: Graph,
    /// By how many steps a cause may be earlier than what it does.
    lead: usize,
}

impl Seen {
    pub(super) fn new(case: &Case<'_>, grid: Grid, context: Grid, lead: usize) -> Self {
        let mut signs: Vec<Vec<Sign>> = case
            .services
            .iter()
            .map(|service| {
                let one = |(signal, track): &(Signal, _)| {
                    let judged = judge(*signal, track, grid, context)?;
                    Some(Sign { signal: *signal, judged, caller: None })
                };
                service.signals.iter().filter_map(one).collect()
            })
            .collect();
        for edge in case.edge_tracks {
            let known = edge.caller < case.services.len();
            let (Some(callee), true) = (signs.get_mut(edge.callee), known) else { continue };
            if let Some(judged) = judge(edge.signal, &edge.track, grid, context) {
                callee.push(Sign { signal: edge.signal, judged, caller: Some(edge.caller) });
            }
        }
        let edges = case.edges.iter().copied();
        let seen = case.edge_tracks.iter().map(|edge| (edge.caller, edge.callee));
        Self { signs, graph: Graph::new(case.services.len(), edges.chain(seen)), lead }
    }

    /// Everyone of whom anything was read, and every change before the onset.
    pub(super) fn suspects(
        &self,
        case: &Case<'_>,
        symptom: Option<&(&Symptom, Judged)>,
        grid: Grid,
    ) -> Vec<Suspect> {
        let away = |service: usize| {
            self.signs.get(service).is_some_and(|signs| signs.iter().any(Sign::away))
        };
        let start = case.symptom.as_ref().map(|symptom| symptom.service);
        let start = start.filter(|start| *start < case.services.len() && !self.graph.is_empty());
        let ways =
            start.map(|start| (self.graph.ways(start, |_| true), self.graph.ways(start, away)));
        let mut all = Vec::new();
        for service in 0..case.services.len() {
            let best = self.best(service, symptom);
            let read = best.is_some();
            let mut terms = match &best {
                Some(best) => self.terms(case, service, best, symptom),
                None => vec![unread()],
            };
            let mut way = Vec::new();
            if let (Some((any, through)), Some(start)) = (&ways, start) {
                let (term, found) = path_term(case, start, service, any, through);
                terms.push(term);
                way = found;
            }
            let change = self.change_terms(case, service, grid);
            for (at, term) in &change {
                let mut terms = terms.clone();
                terms.push(term.clone());
                all.push(suspect(Culprit::Change(*at), terms, way.clone()));
            }
            if !read {
                continue;
            }
            // The latest change counts for the service itself, a little less than for the change.
            if let Some((_, term)) = change
                .into_iter()
                .max_by(|a, b| a.1.weight.total_cmp(&b.1.weight).then(b.0.cmp(&a.0)))
            {
                terms.push(Term { weight: term.weight.sqrt(), ..term });
            }
            all.push(suspect(Culprit::Service(service), terms, way));
        }
        all
    }

    /// Puts endpoints beneath the service they stand in front of. A load balancer or proxy has no
    /// callees in most graphs, and its caller calls both it and what is behind it; it shows the
    /// same at the same time.
    pub(super) fn fold(&self, case: &Case<'_>, mut suspects: Vec<Suspect>) -> Vec<Suspect> {
        let mut moved: Vec<(usize, usize, f64)> = Vec::new();
        for service in 0..case.services.len() {
            if let Some((behind, alike)) = self.stands_in_front(service) {
                moved.push((service, behind, alike));
            }
        }
        for (service, behind, alike) in moved {
            let name = |at: usize| case.services.get(at).map_or("", |s| s.name.as_str());
            let below = suspects.iter_mut().find(|s| s.culprit == Culprit::Service(behind));
            if let Some(below) = below {
                below.folded.push(Folded {
                    service,
                    reason: format!(
                        "{} has no resources or callees of its own and moves as {} does (correlation {alike:.2}); the same \
                         callers call both, so it only passes on.",
                        name(service),
                        name(behind),
                    ),
                });
                suspects.retain(|s| s.culprit != Culprit::Service(service));
            }
        }
        suspects
    }

    /// The service behind an endpoint: one with callees of its own that is called by one of the
    /// endpoint's callers.
    fn stands_in_front(&self, endpoint: usize) -> Option<(usize, f64)> {
        // Who reports its own resources has a life of its own.
        let own = self.signs.get(endpoint)?;
        if self.graph.callees(endpoint).next().is_some()
            || own.iter().any(|sign| sign.signal == Signal::Saturation)
        {
            return None;
        }
        let of = |sign: &Sign, other: &Sign| {
            let same = sign.signal == other.signal && sign.passes_on();
            (same && sign.away() && other.away())
                .then(|| correlation(&sign.judged.z, &other.judged.z))?
        };
        let beside = self.graph.callers(endpoint).flat_map(|caller| self.graph.callees(caller));
        let beside = beside.filter(|other| {
            self.graph.callees(*other).next().is_some()
                && !self.graph.callees(*other).any(|callee| callee == endpoint)
        });
        let alike = |other: usize| {
            let others = self.signs.get(other)?;
            let best = own.iter().flat_map(|s| others.iter().filter_map(move |o| of(s, o)));
            Some((other, best.max_by(f64::total_cmp)?))
        };
        let found = beside.filter_map(alike).filter(|(_, alike)| *alike >= ALIKE);
        found.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    }

    /// The sign that speaks most against a service.
    fn best<'a>(
        &'a self,
        service: usize,
        symptom: Option<&(&Symptom, Judged)>,
    ) -> Option<Weighed<'a>> {
        let signs = self.signs.get(service)?;
        signs
            .iter()
            .map(|sign| {
                let moves = symptom.map(|(_, judged)| {
                    lagged(&sign.judged.z, &judged.z, self.lead).unwrap_or_default()
                });
                let explained = self.explained(service, sign);
                let kind = if sign.signal == Signal::Traffic { TRAFFIC } else { 1.0 };
                let score = sign.strength()
                    * kind
                    * moves.map_or(1.0, |(r, _)| moved(r))
                    * explained.map_or(1.0, |(_, share)| 1.0 - EXPLAINED * share);
                Weighed { sign, score, moves, explained }
            })
            .max_by(|a, b| a.score.total_cmp(&b.score).then(b.sign.signal.cmp(&a.sign.signal)))
    }

    /// The callee that shows most of what a service shows, and how much of it.
    fn explained(&self, service: usize, sign: &Sign) -> Option<(usize, f64)> {
        if !sign.passes_on() || !sign.away() {
            return None;
        }
        let shares = self.graph.callees(service).filter_map(|callee| {
            let of = |other: &Sign| {
                let (alike, _) = lagged(&other.judged.z, &sign.judged.z, self.lead)?;
                let alike = alike.max(0.0);
                Some(alike.powi(2) * (other.strength() / sign.strength()).min(1.0))
            };
            let signs = self.signs.get(callee)?;
            let share = signs.iter().filter(|s| s.passes_on() && s.away()).filter_map(of);
            Some((callee, share.max_by(f64::total_cmp)?))
        });
        shares.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    }

    fn terms(
        &self,
        case: &Case<'_>,
        service: usize,
        best: &Weighed<'_>,
        symptom: Option<&(&Symptom, Judged)>,
    ) -> Vec<Term> {
        let sign = best.sign;
        let judged = &sign.judged;
        let kind = if sign.signal == Signal::Traffic { TRAFFIC } else { 1.0 };
        let by = sign.caller.and_then(|caller| case.services.get(caller));
        let by = by.map_or(String::new(), |caller| format!(" as {} sees it", caller.name));
        let mut terms = vec![Term {
            kind: TermKind::Deviation,
            value: judged.worst,
            weight: sign.strength() * kind,
            sentence: format!(
                "Its {}{by} was {} where {} is usual: {:.1} robust deviations over two readings.",
                word(sign.signal),
                short(judged.seen),
                short(judged.usual),
                judged.worst,
            ),
        }];
        if let Some((r, lag)) = best.moves {
            let sentence = match lag {
                0 => format!("It moves with the symptom (correlation {r:.2})."),
                lag => {
                    format!("The symptom follows it after {} (correlation {r:.2}).", steps(lag))
                }
            };
            let (value, weight) = (r, moved(r));
            terms.push(Term { kind: TermKind::Correlation, value, weight, sentence });
        }
        if let Some((callee, share)) = best.explained {
            let name = case.services.get(callee).map_or("", |callee| callee.name.as_str());
            terms.push(Term {
                kind: TermKind::Explained,
                value: share,
                weight: 1.0 - EXPLAINED * share,
                sentence: format!("{name}, which it calls, shows {:.0} % of it.", share * 100.0),
            });
        }
        if let (Some(own), Some(hurt)) = (judged.first, symptom.and_then(|(_, s)| s.first)) {
            let late = own.saturating_sub(hurt);
            terms.push(Term {
                kind: TermKind::Order,
                value: own as f64 - hurt as f64,
                weight: 1.0 / (1.0 + late as f64).sqrt(),
                sentence: match (own < hurt, late) {
                    (true, _) => format!("It began {} before the symptom.", steps(hurt - own)),
                    (_, 0) => "It began together with the symptom.".into(),
                    _ => format!("It began {} after the symptom.", steps(late)),
                },
            });
        }
        let own = self.signs.get(service).into_iter().flatten().find(|other| {
            other.signal == Signal::Saturation && other.away() && sign.signal != Signal::Saturation
        });
        if let Some(own) = own {
            terms.push(Term {
                kind: TermKind::Resource,
                value: own.judged.worst,
                weight: RESOURCE,
                sentence: format!(
                    "One of its own resources was at {} where {} is usual.",
                    short(own.judged.seen),
                    short(own.judged.usual)
                ),
            });
        }
        terms
    }

    /// Changes at a service before the onset, each with its term.
    fn change_terms(&self, case: &Case<'_>, service: usize, grid: Grid) -> Vec<(usize, Term)> {
        let term = |(at, change): (usize, &super::Change)| {
            // An alarm is late, so that a change just after it may still have come first.
            let ahead = change.at.since(case.onset);
            if change.service != service || ahead > grid.step {
                return None;
            }
            let age = case.onset.since(change.at).millis().max(0);
            let fresh = (-(age as f64) / HALF_LIFE.millis() as f64).exp2();
            let mins = age as f64 / 60_000.0;
            Some((
                at,
                Term {
                    kind: TermKind::Change,
                    value: mins,
                    weight: 1.0 + fresh,
                    sentence: format!(
                        "{} “{}” was {mins:.0} min before the onset.",
                        change.kind, change.title
                    ),
                },
            ))
        };
        case.changes.iter().enumerate().filter_map(term).collect()
    }
}

fn suspect(culprit: Culprit, terms: Vec<Term>, path: Vec<usize>) -> Suspect {
    let score = terms.iter().map(|term| term.weight).product();
    Suspect { culprit, score, stands_out: false, terms, path, folded: Vec::new() }
}

/// What stands for the deviation of a changed service of which nothing was read.
fn unread() -> Term {
    Term {
        kind: TermKind::Deviation,
        value: 0.0,
        weight: UNREAD,
        sentence: "Nothing was read of it that could be held against what is usual.".into(),
    }
}

fn path_term(
    case: &Case<'_>,
    start: usize,
    service: usize,
    any: &[Option<usize>],
    through: &[Option<usize>],
) -> (Term, Vec<usize>) {
    let name = case.services.get(start).map_or("", |start| start.name.as_str());
    let (way, weight, sentence) = match (path(through, service), path(any, service)) {
        (way, _) if !way.is_empty() => {
            let text = if way.len() == 1 {
                "The symptom is its own.".into()
            } else {
                format!("{name} reaches it through services that are away from usual.")
            };
            (way, 1.0, text)
        }
        (_, way) if !way.is_empty() => {
            (way, OFF_PATH, format!("{name} reaches it, but only through services as usual."))
        }
        _ => (Vec::new(), UNREACHABLE, format!("{name} does not depend on it.")),
    };
    let value = way.len().saturating_sub(1) as f64;
    (Term { kind: TermKind::Path, value, weight, sentence }, way)
}

/// What is left of a score for a correlation.
fn moved(r: f64) -> f64 {
    UNMOVED + (1.0 - UNMOVED) * r.max(0.0).powi(2)
}

fn word(signal: Signal) -> &'static str {
    match signal {
        Signal::Latency => "latency",
        Signal::Errors => "error ratio",
        Signal::Traffic => "traffic",
        Signal::Saturation => "use of a resource",
    }
}

fn steps(count: usize) -> String {
    if count == 1 { "one reading".into() } else { format!("{count} readings") }
}

/// Four digits that count.
fn short(value: f64) -> String {
    let size = value.abs();
    if size >= 1000.0 || size == 0.0 {
        format!("{value:.0}")
    } else {
        let digits = (3.0 - size.log10().floor()).clamp(0.0, 9.0) as usize;
        let text = format!("{value:.digits$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').into()
        } else {
            text
        }
    }
}
